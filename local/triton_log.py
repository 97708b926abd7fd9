"""Why a server ended, read from its log."""

from __future__ import annotations

import re
from pathlib import Path


def explain(log: Path) -> str:
    """The reason for which a server ended, in a clause, read from its log."""
    text = log.read_text(encoding="utf-8", errors="replace")[-200_000:]
    library = re.search(r"error while loading shared libraries: (\S+?):|(libpython\S+?): cannot open", text)
    if library:
        name = library.group(1) or library.group(2)
        return f"the system library {name} is missing, install the package that holds it"
    models = re.findall(r"failed to load '([^']+)' version \d+: (.*?)(?:\\n|\"|\n|$)", text)
    if models:
        return "; ".join(
            f"model {name}: {reason.strip().rstrip('.')}" for name, reason in dict(models).items()
        )
    if re.search(r"[Aa]ddress already in use|[Ff]ailed to (?:bind|start)", text):
        return "a port is taken, leave --triton-port and --metrics-port out for free ones"
    if "No space left on device" in text:
        return (
            "the disk or the shared memory is full, free some space in it (/dev/shm holds the shared memory)"
        )
    failures = re.findall(r"^(?:E\d{4} .*?\] |error: |Error: )\"?(.+?)\"?$", text, re.MULTILINE)
    told = failures or [line for line in text.splitlines() if line.strip()]
    return told[-1].strip().rstrip(".") if told else "it ended without a word"
