"""Make a folder once, safely: whole or not at all, and by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.home import home
from worker.errors import Refuse

MIB = 1024 * 1024

Meter = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


def silent(_what: str, _done: int, _total: int) -> None:
    """The meter that shows nothing."""


def once(target: Path, build: Callable[[Path], None], *, needs_mib: int) -> Path:
    """Return `target`, made by `build` in a folder beside it if it is not there yet.

    Two processes may ask at once: one builds, the other waits and finds it made.

    Raises:
        Refuse: the disk is full (or holds less than `needs_mib`), or the place cannot be written.
    """
    if target.is_dir():
        return target
    with disk_errors(target.parent), _alone(target):
        if target.is_dir():
            return target
        ensure_space(target.parent, needs_mib, "point PANGAEA_HOME at a larger disk")
        for left in target.parent.glob(f".{target.name}.*/"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            staged = Path(scratch) / target.name
            staged.mkdir()
            build(staged)
            staged.rename(target)
    return target


def ensure_space(place: Path, needs_mib: int, mend: str) -> None:
    """Check that an existing folder's disk has room.

    Raises:
        Refuse: it has less than `needs_mib`; `mend` is the other way out.
    """
    free = shutil.disk_usage(place).free // MIB
    if free < needs_mib:
        raise Refuse(f"{place} has {free} MiB free and {needs_mib} are needed: free some space, or {mend}.")


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into one sentence.

    Raises:
        Refuse: naming the place and the mend.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refuse(
                f"the disk under {place} is full: free some space, or point PANGAEA_HOME at a larger disk."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise Refuse(
                f"{place} cannot be written ({error.strerror}): "
                "mend its permissions, or point PANGAEA_HOME at a folder of yours."
            ) from error
        raise


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    home().mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
