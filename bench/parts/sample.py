"""One repetition of a measurement: photos, wall time, and the CPU of each process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.accounts import Parties, taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """So many photos in so much time, and what each process spent on them."""

    photos: int
    wall_seconds: float
    cpu_seconds: Mapping[str, float]


class Watch:
    """Measures from the moment it is made: this process under the name `own`, and other `parties`."""

    def __init__(self, own: str, parties: Parties | None = None) -> None:
        self._own = own
        self._parties = parties or {}
        # To ask for the others' account takes longer than the clocks do: it stays outside what they measure.
        self._before = taken(self._parties)
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._wall

    def sample(self, photos: int) -> Sample:
        """What so many photos have cost since it was made."""
        wall = time.perf_counter() - self._wall
        # All threads of this process, those of libraries too, also while they spin.
        cpu = {self._own: time.process_time() - self._cpu}
        after = taken(self._parties)
        for party, usage in after.items():
            cpu[party] = max(0.0, usage.cpu_seconds - self._before[party].cpu_seconds)
        return Sample(photos=photos, wall_seconds=wall, cpu_seconds=cpu)
