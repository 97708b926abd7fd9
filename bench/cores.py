"""So many processors and no more, for this process and whatever it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worker.errors import Refuse


def usable() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def held(count: int | None) -> Iterator[int]:
    """Keep to the first `count` of the processors that this process may use (None: all); yield how many.

    What is started meanwhile keeps to them too. Afterwards all are used again.

    Raises:
        Refuse: there are not so many.
    """
    before = os.sched_getaffinity(0)
    wanted = len(before) if count is None else count
    if not 1 <= wanted <= len(before):
        raise Refuse(
            f"--cores {count} is not possible here: choose 1 to {len(before)}, or leave it out.", exit_code=2
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
