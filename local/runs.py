"""One folder for each run of the stack: its logs, and the data that go with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.home import home
from local.install import disk_errors

KEEP = 5
"""Folders of ended runs that are kept for their logs."""

_ALIVE = ".alive"


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder; it counts as alive while `handle` is open, which no crash can prolong."""

    folder: Path
    handle: IO[str]

    def close(self) -> None:
        """Let a later run remove this folder."""
        self.handle.close()


def open_run() -> Run:
    """Make the folder of a new run, and remove those of runs that ended, but for the newest few.

    Raises:
        Refuse: the disk is full or the place cannot be written.
    """
    root = home() / "runs"
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        folder = Path(tempfile.mkdtemp(prefix=f"{stamp}-{os.getpid()}-", dir=root))
        handle = (folder / _ALIVE).open("w", encoding="ascii")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return Run(folder, handle)


def _sweep(root: Path) -> None:
    ended = sorted((folder for folder in root.iterdir() if _ended(folder)), reverse=True)
    for folder in ended[:KEEP]:
        # Logs stay; the data of a run that was killed need not.
        for data in folder.glob("kafka-*/"):
            shutil.rmtree(data, ignore_errors=True)
    for folder in ended[KEEP:]:
        shutil.rmtree(folder, ignore_errors=True)


def _ended(folder: Path) -> bool:
    try:
        with (folder / _ALIVE).open("r", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except OSError:  # just being made, or not a run
        return False
