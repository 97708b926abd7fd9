"""The worker's transactional identity: one name, one live process.

A restarted worker takes the name that its predecessor had, so that the broker ends what the dead one left
open at once instead of after its time-out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import socket
import tempfile
from pathlib import Path
from typing import IO

from worker.errors import Refuse

SLOTS = 256


class Instance:
    """A group's name held for the process's life by a lock on a file; the kernel lets go at its death."""

    def __init__(self, name: str, group: str, lock: IO[str]) -> None:
        self.name = name
        self._group = group
        self._lock = lock

    @property
    def transactional_id(self) -> str:
        """The producer's identity: the same again for the same name in the same group."""
        # No name has a colon, so no two pairs of group and name make one identity.
        return f"pangaea-{self._group}:{self.name}"

    def release(self) -> None:
        """Let another process have the name."""
        self._lock.close()


def claim(name: str | None, group: str) -> Instance:
    """Take the given name in this group, or host name + the lowest slot that no live process holds in it.

    Raises:
        Refuse: a live process of the group on this host holds the given name, or every slot is taken.
    """
    if name is not None:
        lock = _lock(name, group)
        if lock is None:
            raise Refuse(
                f"a live worker of group {group} on this host is called {name} already: give each its own"
                " PANGAEA_INSTANCE."
            )
        return Instance(name, group, lock)
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()) or "host"
    for slot in range(SLOTS):
        candidate = f"{host}-{slot}"
        lock = _lock(candidate, group)
        if lock is not None:
            return Instance(candidate, group, lock)
    raise Refuse(
        f"{SLOTS} workers of group {group} run on this host already: name this one with PANGAEA_INSTANCE."
    )


def _lock(name: str, group: str) -> IO[str] | None:
    """Lock the name's file; None when another process has it. Another user's file counts as taken."""
    # A group's name may be longer than a file's and hold what a file's may not.
    of_group = hashlib.sha256(group.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"pangaea-instances-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = (folder / f"{of_group}-{name}.lock").open("a")
    except OSError as exc:
        raise Refuse(
            f"the lock of instance {name} cannot be kept in the temporary folder ({exc.strerror}): make room"
            " or rights there, or set TMPDIR."
        ) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle
