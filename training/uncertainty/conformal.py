"""Conformal sets: LAC and APS, over all continents and for each, with the band in which coverage may fall.

Split conformal prediction: q is the ⌈(n + 1)(1 − α)⌉-th smallest score of n calibration photos; a set holds
the labels that score at most q. Marginal coverage lies in [1 − α, 1 − α + 1/(n + 1)] on average over
calibration draws, for photos exchangeable with those: not for other sources, nor while a drift alarm stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.embeddings import Labels, Matrix

Sets = npt.NDArray[np.bool_]
"""Shape (n, labels): whether the set of a photo holds a label."""

EVERYTHING: Final = math.inf
"""The quantile of too few scores: every label is in the set."""


def lac_scores(p: Matrix) -> Matrix:
    """1 − p of every label, shape (n, labels) (Sadinle, Lei and Wasserman, 2019): the smallest sets."""
    return np.asarray(1 - p)


def aps_scores(p: Matrix, chance: Matrix) -> Matrix:
    """The probability of all labels at least as probable, the label's own times chance: shape (n, labels).

    Adaptive prediction sets with a randomised last label (Romano, Sesia and Candès, 2020): sets grow with a
    photo's difficulty, and coverage is exact rather than above its mark.

    Args:
        p: probabilities, shape (n, labels).
        chance: uniform in 0–1, shape (n,); ones give the version that is not randomised.

    >>> aps_scores(np.array([[0.2, 0.7, 0.1]]), np.array([1.0])).round(6).tolist()
    [[0.9, 0.7, 1.0]]
    """
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    reached = np.cumsum(ranked, axis=1) - (1 - chance[:, None]) * ranked
    scores = np.empty_like(reached)
    np.put_along_axis(scores, order, reached, axis=1)
    return scores


def quantile(scores: Matrix, *, alpha: float) -> float:
    """The ⌈(n + 1)(1 − α)⌉-th smallest of the true labels' scores, infinite where n is too small for it.

    >>> quantile(np.arange(1.0, 10.0), alpha=0.1), quantile(np.arange(8.0), alpha=0.1)
    (9.0, inf)
    """
    # A ceiling of a product of decimals: 10 × 0.9 must not become 10 by its last bit.
    rank = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else EVERYTHING


def least(alpha: float) -> int:
    """The fewest calibration photos that give a finite quantile: 9 at α = 0.1, 19 at 0.05.

    >>> least(0.1), least(0.05)
    (9, 19)
    """
    return math.ceil(round(1 / alpha - 1, 9))


@dataclass(frozen=True, slots=True, kw_only=True)
class PerContinent:
    """Quantiles by label (Vovk, 2012): coverage for every continent, where it has photos enough.

    `quantiles` (labels,), infinite where `n` (labels,) is below `least(alpha)`: such a label is in every set.
    """

    quantiles: Matrix
    n: Labels

    def sets(self, scores: Matrix) -> Sets:
        """The sets of photos whose labels have these scores, shape (n, labels)."""
        return np.asarray(scores <= self.quantiles)


def per_continent(scores: Matrix, label: Labels, *, alpha: float) -> PerContinent:
    """Fit a quantile for every label on the photos that have it.

    Args:
        scores: of every label, shape (n, labels).
        label: the true one, shape (n,).
        alpha: the share that may be missed.
    """
    labels = range(scores.shape[1])
    return PerContinent(
        quantiles=np.array([quantile(scores[label == one, one], alpha=alpha) for one in labels]),
        n=np.bincount(label, minlength=len(labels)),
    )


def coverage(sets: Sets, label: Labels) -> float:
    """The share of photos whose set holds their label."""
    return float(sets[np.arange(len(label)), label].mean())


def band(n: int, fresh: int, *, alpha: float, level: float = 0.95) -> tuple[float, float]:
    """The interval in which the coverage of fresh photos falls with a probability of `level`.

    Coverage of one calibration draw is Beta(n + 1 − l, l), l = ⌊(n + 1)α⌋, and what is counted on `fresh`
    exchangeable photos beta-binomial (Angelopoulos and Bates, 2023, section 3.2).

    Args:
        n: calibration photos, at least `least(alpha)`.
        fresh: photos that coverage is counted on.
        alpha: the share that may be missed.
        level: of the band.

    >>> [round(edge, 2) for edge in band(54, 100_000, alpha=0.1)]
    [0.82, 0.97]
    """
    from scipy.stats import betabinom  # noqa: PLC0415 - 0.5 s, and the models extra only

    missed = math.floor(round((n + 1) * alpha, 9))
    held = betabinom(fresh, n + 1 - missed, missed)
    return float(held.ppf((1 - level) / 2)) / fresh, float(held.ppf((1 + level) / 2)) / fresh
