"""From what was measured of the contenders to their figures: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.contenders import processes, promised, versioned
from bench.figures import Peer

RAMP: Final = 0.1
"""The first tenth of a burst is not counted: fetching and batches have to get going."""

SHARE: Final = 0.6
"""Of the slowest contender's rate: where all of them are asked for their latency."""


@dataclass(slots=True)
class Score:
    """What was measured of one contender so far; `failure`: why it is out, empty while it takes part."""

    rates: list[float] = field(default_factory=list)
    p99s_ms: list[float] = field(default_factory=list)
    overheads_us: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def complete(self) -> bool:
        """Whether every figure was measured."""
        return not self.failure and all((self.rates, self.p99s_ms, self.overheads_us))


def saturated_rate(moments: npt.NDArray[np.float64]) -> float:
    """Return the photos a second at which a burst came out, its first tenth cut off.

    Args:
        moments: when each record was read, seconds, in any order; at least ten.

    >>> saturated_rate(np.arange(100) / 50)
    50.0
    """
    ordered = np.sort(moments)
    first = int(len(ordered) * RAMP)
    return round((len(ordered) - 1 - first) / float(ordered[-1] - ordered[first]), 3)


def overhead_us(cpu_ms: float, decode_us: float) -> float:
    """Return what a record costs in microseconds beside its decoding; noise may not make it negative.

    >>> overhead_us(2.5, 900.0)
    1600.0
    """
    return max(0.0, round(cpu_ms * 1000 - decode_us, 1))


def common_rate(scores: Sequence[Score]) -> float:
    """Return the rate that all are asked for their latency at: so much of the slowest one's median.

    >>> common_rate([Score(rates=[90.0, 100.0, 110.0]), Score(rates=[50.0])])
    30.0
    """
    return round(SHARE * min(median(score.rates) for score in scores if score.rates), 1)


def in_turn(names: Sequence[str], round_number: int) -> tuple[str, ...]:
    """Return the order of a round: every other one runs backwards, so that a drift of the machine evens out.

    >>> in_turn(("a", "b", "c"), 1)
    ('c', 'b', 'a')
    """
    return tuple(names) if round_number % 2 == 0 else tuple(reversed(names))


def figures(name: str, score: Score, p99_rate: float) -> Peer:
    """Return the figures of one contender: medians, and all that they are medians of."""
    promise = promised(name)
    return Peer(
        name=name,
        version=versioned(name),
        guarantees=promise.guarantees,
        delivery=promise.delivery,
        order=promise.order,
        bounds=promise.bounds,
        rate=round(median(score.rates), 3),
        rates=tuple(score.rates),
        p99_rate=p99_rate,
        p99_ms=round(median(score.p99s_ms), 3),
        p99s_ms=tuple(score.p99s_ms),
        overhead_us=round(median(score.overheads_us), 1),
        overheads_us=tuple(score.overheads_us),
    )


def told(names: Sequence[str], *, rounds: int, photos: int, seconds: float, rate: float) -> str:
    """Say how rate and latency were measured."""
    more = ", ".join(f"{name} {processes(name)}" for name in names if processes(name) > 1)
    return (
        f"{rounds} rounds, every other one in reverse order, one process each{more and f' ({more})'}. Rate:"
        f" {photos} photos that wait from the start, the first tenth cut off. Latency:"
        f" {seconds:g} s at {rate:g} photos a second, open loop."
    )


def told_overhead(*, photos: int, decode_us: float) -> str:
    """Say what the overhead is, and what was subtracted."""
    return (
        f"Overhead: CPU of the contender's own processes a record, {photos} photos at once, an engine that"
        f" answers constants; {decode_us:g} µs are subtracted, which decoding takes alone. Reading the event,"
        " the request to Triton, finishing and JSON are in it: the same functions for all."
    )
