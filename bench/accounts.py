"""What processes cost: CPU seconds and memory of whole process trees, from the kernel's own account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024

Parties = Mapping[str, Sequence[int]]
"""Process ids by the name under which they and their descendants are accounted for."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One party at one moment: CPU seconds so far (user and system), resident memory in MiB.

    Pages that processes of one tree share are counted for each of them.
    """

    cpu_seconds: float
    memory_mib: float


Account = Mapping[str, Usage]
"""Every party at one moment."""


def taken(parties: Parties) -> Account:
    """Return what each party has used up to now; one whose processes have ended has used nothing."""
    return {name: _usage(pids) for name, pids in parties.items()}


def cpu_ms_each(before: Account, after: Account, photos: int) -> dict[str, float]:
    """Return CPU milliseconds a photo by party, for so many photos between two accounts; none: nothing.

    >>> cpu_ms_each({"worker": Usage(1.0, 9)}, {"worker": Usage(3.0, 9)}, 1_000)
    {'worker': 2.0}
    """
    if photos == 0:
        return {}
    # What has ended in between takes its account along: it cannot have given CPU back.
    return {
        name: max(0.0, usage.cpu_seconds - before[name].cpu_seconds) * 1000 / photos
        for name, usage in after.items()
    }


def peak_mib(accounts: Sequence[Account]) -> dict[str, float]:
    """Return the most memory that each party was seen with, in MiB."""
    peaks: dict[str, float] = {}
    for account in accounts:
        for name, usage in account.items():
            peaks[name] = max(usage.memory_mib, peaks.get(name, 0.0))
    return peaks


def _usage(pids: Sequence[int]) -> Usage:
    cpu = memory = 0.0
    for process in _trees(pids):
        try:
            with process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss / MIB
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        # Of children that have ended and were waited for, the kernel keeps the account with their parent.
        cpu += times.user + times.system + times.children_user + times.children_system
    return Usage(cpu, memory)


def _trees(pids: Sequence[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        try:
            root = psutil.Process(pid)
            yield root
            yield from root.children(recursive=True)
        except psutil.NoSuchProcess:
            continue
