"""Arithmetic on likelihoods: from weights to a stream, and how far streams contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from worker.record import LEAST_LIKELIHOOD, SLUGS, Stream

CONTINENTS: Final = len(SLUGS)


def stream(weights: Sequence[float], quality: float) -> Stream:
    """Make a stream of P(evidence | continent), up to a factor: normalised, and nothing ruled out.

    Args:
        weights: seven values ≥ 0 in the order of SLUGS; all 0 says as little as all alike.
        quality: 0–1.

    >>> stream([0, 0, 3, 1, 0, 0, 0], 0.5).likelihood[2]
    0.749575
    """
    total = sum(weights)
    if total <= 0:
        weights, total = [1.0] * CONTINENTS, CONTINENTS
    free = 1 - CONTINENTS * LEAST_LIKELIHOOD
    return Stream(
        likelihood=tuple([LEAST_LIKELIHOOD + free * weight / total for weight in weights]), quality=quality
    )


def hedged(part: Stream) -> tuple[float, ...]:
    """The likelihood when the evidence is right with probability `quality`, and else says nothing."""
    even = (1 - part.quality) / CONTINENTS
    return tuple([part.quality * p + even for p in part.likelihood])


def disagreement(parts: Sequence[Stream]) -> float:
    """How much better one wrong stream explains them than none, 0–1; 0 for fewer than two streams.

    With r_i = 7 · hedged likelihood of stream i, S = mean over continents of Π r_i (all are about one
    continent) and A = mean over k and continents of Π_{i≠k} r_i (stream k is about some other photo), it is
    max(0, 1 − S/A): one minus the Bayes factor of "all right" against "one wrong, no telling which".

    >>> europe = stream([0, 0, 0, 1, 0, 0, 0], 1.0)
    >>> asia = stream([0, 0, 1, 0, 0, 0, 0], 1.0)
    >>> disagreement([europe]), disagreement([europe, europe]), round(disagreement([europe, asia]), 3)
    (0.0, 0.0, 0.999)
    """
    if len(parts) < 2:  # noqa: PLR2004 - it takes two to disagree
        return 0.0
    everyone = but_one = 0.0
    for likelihoods in zip(*map(hedged, parts), strict=True):
        product = prod(likelihoods)
        everyone += product
        # Each is at least 1e-4, so that dividing takes one out again.
        but_one += product * sum([1 / p for p in likelihoods])
    return max(0.0, 1 - CONTINENTS * len(parts) * everyone / but_one)
