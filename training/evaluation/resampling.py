"""Intervals by resampling whole clusters, and differences of two classifiers on the same photos.

Photos of one group or source resemble each other; resampling single photos would call them independent, and
the interval come out too narrow (Field and Welsh, 2007). Groups answer: what would other photos of these
sources have said? Sources answer the harder question: what would other sources have said?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.evaluation.answers import Answers, Matrix, Names
from training.evaluation.scores import Score, value

RESAMPLES: Final = 2000
LEVEL: Final = 0.95
LEAST_CLUSTERS: Final = 5
"""With fewer there is no telling how far they spread: no interval is better than one that means nothing."""

_CELLS: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A score and its 95% interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None

    def document(self) -> dict[str, Any]:
        """As JSON, rounded to more than the interval carries."""
        return {"value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high)}

    @property
    def verdict(self) -> str:
        """Of a difference: whether its interval lies on one side of zero.

        >>> Figure(value=0.1, low=-0.02, high=0.2).verdict, Figure(value=0.1, low=0.02, high=0.2).verdict
        ('n cannot tell', 'excludes zero')
        """
        if self.low is None or self.high is None:
            return "n cannot tell"
        return "n cannot tell" if self.low <= 0 <= self.high else "excludes zero"


def draws(cluster: Names, *, seed: int = 0, count: int = RESAMPLES) -> Iterator[Matrix]:
    """Weights of bootstrap resamples of whole clusters: blocks of shape (some draws, n), `count` in all.

    As many clusters as there are, drawn with replacement; a photo weighs how often its cluster was drawn.
    """
    names, index = np.unique(cluster, return_inverse=True)
    clusters = len(names)
    rng = np.random.default_rng(seed)
    block = max(1, min(count, _CELLS // max(1, len(cluster))))
    for start in range(0, count, block):
        size = min(block, count - start)
        drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=size)
        yield drawn[:, index].astype(np.float64)


def figure(score: Score, answers: Answers, cluster: Names) -> Figure:
    """The score with the 95% percentile interval of its resamples by cluster."""
    return _figure(value(score, answers), [score(answers, w) for w in _resampled(cluster)])


def difference(score: Score, one: Answers, other: Answers, cluster: Names) -> Figure:
    """The score of `one` less that of `other`, paired: both are resampled alike.

    Raises:
        ValueError: they are not answers for the same photos.
    """
    if not np.array_equal(one.truth.label, other.truth.label):
        raise ValueError("a paired difference needs answers for the same photos")
    gap = value(score, one) - value(score, other)
    return _figure(gap, [score(one, w) - score(other, w) for w in _resampled(cluster)])


def _resampled(cluster: Names) -> Iterator[Matrix]:
    return draws(cluster) if len(np.unique(cluster)) >= LEAST_CLUSTERS else iter(())


def _figure(own: float, resampled: list[Matrix]) -> Figure:
    drawn = np.concatenate(resampled) if resampled else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(own):
        return Figure(value=None, low=None, high=None)
    if not len(drawn):
        return Figure(value=own, low=None, high=None)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value=own, low=float(low), high=float(high))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)
