"""Why a broker ended, read from its log."""

from __future__ import annotations

import re
from pathlib import Path


def explain(log: Path) -> str:
    """The reason for which a broker ended, in a clause with the mend, read from its log."""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 200_000))
        text = handle.read().decode("utf-8", "replace")
    known = (
        (r"No space left on device|Disk quota exceeded", "the disk is full, free some space"),
        (
            r"Failed to acquire lock on file",
            "another broker uses this data folder, stop it or choose another with --data",
        ),
        (
            r"Address already in use",
            "a port is taken, leave --kafka-port out for a free one or choose another",
        ),
        (r"Could not reserve enough space|OutOfMemoryError|insufficient memory", "memory ran out, free some"),
        (r"Permission denied|AccessDenied|Read-only file system", "its data folder cannot be written"),
    )
    for pattern, clause in known:
        if re.search(pattern, text):
            return clause
    failures = re.findall(
        r"^(?:Caused by: |Exception in thread.*? |.*\bERROR\b.*? - )(.+)$", text, re.MULTILINE
    )
    told = failures or [line for line in text.splitlines() if line.strip()]
    return told[-1].strip().rstrip(".") if told else "it ended without a word"
