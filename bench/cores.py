"""So many processors and no more, for this process and whatever it starts."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.quota import granted
from worker.errors import Refuse


def usable() -> float:
    """Processors that this process may use: those it may run on, or fewer where a quota grants fewer."""
    allowed, quota = len(os.sched_getaffinity(0)), granted()
    return allowed if quota is None else min(allowed, quota)


@contextmanager
def held(count: int | None) -> Iterator[int]:
    """Keep to the first `count` of the processors that this process may use (None: all); yield how many.

    What is started meanwhile keeps to them too. Afterwards all are used again.

    Raises:
        Refuse: there are not so many.
    """
    before = os.sched_getaffinity(0)
    wanted, most = len(before) if count is None else count, math.ceil(usable())
    if count is not None and not 1 <= count <= most:
        raise Refuse(
            f"--cores {count} is not possible here: choose 1 to {most}, or leave it out.", exit_code=2
        )
    _keep(set(sorted(before)[:wanted]))
    try:
        yield wanted
    finally:
        _keep(before)


def _keep(processors: set[int]) -> None:
    """Keep every thread to them: for "the process", sched_setaffinity(2) takes the calling thread alone."""
    for thread in Path("/proc/self/task").iterdir():
        # One that has ended in between keeps to nothing any more.
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), processors)
