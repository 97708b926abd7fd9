"""From the parts' samples to the machine's ceilings: pure functions.

A ceiling is the processors' time divided by what a photo takes of it: the parts share the processors,
whoever waits for whom. It is a bound and not a promise, since parts that run at once compete for caches and
memory too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from bench.figures import Part
from bench.parts.names import DECODE, GRPC, KAFKA
from bench.parts.sample import Sample

CEILING_PARTS: Final = (DECODE, GRPC, KAFKA)
"""The parts that the ceiling is made of; of all loads put on Triton by gRPC, the cheapest is called so."""


def part(name: str, what: str, samples: Sequence[Sample]) -> Part:
    """Return the medians of the repetitions, a photo, with the lowest and the highest beside them.

    >>> found = [Sample(photos=2, wall_seconds=wall, cpu_seconds={"worker": 1.0}) for wall in (1.0, 4.0, 2.0)]
    >>> once = part("decode", "one thread", found)
    >>> once.wall_ms, once.wall_ms_spread, once.rate, once.cpu_ms
    (1000.0, (500.0, 2000.0), 1.0, {'worker': 500.0})
    """
    walls = [each.wall_seconds * 1000 / each.photos for each in samples]
    totals = [sum(each.cpu_seconds.values()) * 1000 / each.photos for each in samples]
    wall = median(walls)
    return Part(
        name=name,
        what=what,
        photos=sum(each.photos for each in samples),
        wall_ms=wall,
        wall_ms_spread=(min(walls), max(walls)),
        cpu_ms={
            process: median(each.cpu_seconds[process] * 1000 / each.photos for each in samples)
            for process in samples[0].cpu_seconds
        },
        cpu_ms_spread=(min(totals), max(totals)),
        rate=1000 / wall,
    )


def ceiling(cores: float, parts: Sequence[Part]) -> float:
    """Photos a second that so many processors could do at most, if these parts were all that a photo costs.

    >>> ceiling(2, [part("decode", "", [Sample(photos=1, wall_seconds=1, cpu_seconds={"worker": 0.004})])])
    500.0
    """
    return cores * 1000 / sum(each.cpu_ms_total for each in parts)


def fastest(parts: Sequence[Part]) -> Part:
    """The part with the most photos a second."""
    return max(parts, key=lambda each: each.rate)


def cheapest(parts: Sequence[Part]) -> Part:
    """The part with the least CPU a photo."""
    return min(parts, key=lambda each: each.cpu_ms_total)


def chosen(parts: Sequence[Part], name: str) -> tuple[Part, ...]:
    """The cheapest of the parts first, under this name; the others as they are."""
    best = cheapest(parts)
    return (replace(best, name=name), *(each for each in parts if each is not best))
