"""What a photo costs on an engine: processor time and time on the clock, one thread, engines in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from worker.record import Pixels

Run = Callable[[Pixels], object]

ROUNDS = 5
SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Milliseconds a photo: the median of rounds, in batches of `batch`."""

    batch: int
    cpu_ms: float
    wall_ms: float


def measure(
    engines: Mapping[str, Run],
    photos: Pixels,
    *,
    batches: tuple[int, ...] = (1, 8),
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
) -> dict[str, tuple[Cost, ...]]:
    """Run engines in turn, round after round, so that a busy moment falls on all of them.

    Args:
        engines: by name what runs a batch; none may use other processes.
        photos: uint8 (n, size, size, 3), n at least the largest batch.
        batches: the sizes that are measured.
        rounds: how often each engine has its turn.
        seconds: how long a turn is.
    """
    taken: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, run in engines.items():
            for batch in batches:
                taken.setdefault((name, batch), []).append(_turn(run, photos[:batch], seconds))
    return {
        name: tuple(
            Cost(
                batch=batch,
                cpu_ms=float(np.median([cpu for cpu, _ in taken[name, batch]])),
                wall_ms=float(np.median([wall for _, wall in taken[name, batch]])),
            )
            for batch in batches
        )
        for name in engines
    }


def _turn(run: Run, batch: Pixels, seconds: float) -> tuple[float, float]:
    run(batch)  # the first of a size compiles
    photos, cpu, wall = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - wall < seconds:
        run(batch)
        photos += len(batch)
    return (
        (time.process_time() - cpu) * 1e3 / photos,
        (time.perf_counter() - wall) * 1e3 / photos,
    )
