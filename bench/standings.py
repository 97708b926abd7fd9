"""From what was measured of the contenders to their figures: pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.contenders import asks, processes, promised, versioned
from bench.figures import Peer

RAMP: Final = 0.1
"""The first tenth of a burst is not counted: fetching and batches have to get going."""

SHARE: Final = 0.6
"""Of the slowest contender's rate: where all of them are asked for their latency."""

BURST_SECONDS: Final = 8.0
"""So long a burst lasts: longer than the five seconds between two commits of those who commit so rarely."""

MOST_PHOTOS, MOST_BYTES, FEWEST_PHOTOS = 4_000, 512 * 1024**2, 20
"""What bounds a burst: the disk keeps all of it until the contest is over."""

LATENCY_PHOTOS: Final = 500
"""Photos a round and contender behind a p99, about: chance draws how many are due. Three rounds: 1,500."""

LONGEST_SECONDS: Final = 60.0
"""Of a latency run: at a very low rate fewer photos have to do, and how many is said."""

CHEAP_PHOTOS: Final = 800


@dataclass(slots=True)
class Score:
    """What was measured of one contender so far; `failure`: why it is out, empty while it takes part."""

    rates: list[float] = field(default_factory=list)
    p99s_ms: list[float] = field(default_factory=list)
    p99_photos: list[int] = field(default_factory=list)
    overheads_us: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def complete(self) -> bool:
        """Whether every figure was measured."""
        return not self.failure and all((self.rates, self.p99s_ms, self.overheads_us))

    def add(self, found: Score) -> None:
        """Take over what was found besides."""
        self.rates += found.rates
        self.p99s_ms += found.p99s_ms
        self.p99_photos += found.p99_photos
        self.overheads_us += found.overheads_us


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
    """Return what a record costs in microseconds beside its decoding; below zero, it is noise that shows.

    >>> overhead_us(2.5, 900.0)
    1600.0
    """
    return round(cpu_ms * 1000 - decode_us, 1)


def burst_photos(rate: float, photo_bytes: float) -> int:
    """Return how many photos of this size last as long as a burst shall at this rate, within its bounds.

    >>> burst_photos(100.0, 50_000.0), burst_photos(100.0, 2**21)
    (800, 256)
    """
    most = min(MOST_PHOTOS, int(MOST_BYTES / photo_bytes))
    return max(FEWEST_PHOTOS, min(math.ceil(rate * BURST_SECONDS), most))


def latency_seconds(rate: float) -> float:
    """Return how long a run at this rate lasts: enough photos, not shorter than a burst, and not for ever.

    >>> latency_seconds(50.0), latency_seconds(100.0)
    (10.0, 8.0)
    """
    return math.ceil(10 * min(max(LATENCY_PHOTOS / rate, BURST_SECONDS), LONGEST_SECONDS)) / 10


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
        p99_photos=tuple(score.p99_photos),
        overhead_us=round(median(score.overheads_us), 1),
        overheads_us=tuple(score.overheads_us),
    )


def told(names: Sequence[str], *, rounds: int, rate: float) -> str:
    """Say how rate and latency were measured."""
    more = ", ".join(f"{name} {processes(name)}" for name in names if processes(name) > 1)
    return (
        f"{rounds} rounds, every other one in reverse order, one process each{more and f' ({more})'}. Rate:"
        f" as many photos as the contender does in {BURST_SECONDS:g} s (at most {MOST_PHOTOS:,} and"
        f" {MOST_BYTES // 1024**2} MiB), all sent at once, the first tenth cut off. Latency:"
        f" {latency_seconds(rate):g} s at {rate:g} photos a second, open loop, drawn anew each round."
    )


def told_overhead(decode_us: float) -> str:
    """Say what the overhead is, and what was subtracted."""
    return (
        f"Overhead: CPU of the contender's own processes a record, {CHEAP_PHOTOS} photos at once, an engine"
        f" that answers constants; {decode_us:g} µs are subtracted, which decoding takes alone: below zero is"
        " noise. Decoding, reading the event, finishing and the document are the same functions for"
        " all; Kafka, the request to Triton, threads and commits are each one's own. The time is too short"
        " for a commit every five seconds, where a contender has no more."
    )


def told_requests(names: Sequence[str]) -> str:
    """Say how each asks Triton: it is part of what their figures differ by."""
    return "Requests to Triton: " + "; ".join(f"{name}: {asks(name)}" for name in names) + "."
