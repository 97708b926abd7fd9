"""Scores, each one function of answers and weights, so that a value and its interval are the same sum.

`weights` has shape (draws, n): how often each photo counts in each draw. All ones give the value itself;
counts of a bootstrap resample give one draw of its distribution. Every score returns shape (draws,), NaN
where a draw holds nothing that it could be computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from training.evaluation.answers import Answers, Labels, Matrix
from worker.record import SLUGS

Score = Callable[[Answers, Matrix], Matrix]

BINS: Final = 15
HALF: Final = 0.5
"""The share of photos at which the risk of the surest is told."""

_LEAST_P: Final = 1e-300


def mean(values: Matrix, weights: Matrix) -> Matrix:
    """The weighted means, shape (draws,), of `values` (n,)."""
    return _ratio(np.asarray(weights @ values), weights.sum(axis=1))


def top(answers: Answers, weights: Matrix, *, k: int) -> Matrix:
    """The share of photos whose true continent is among the k most probable; ties go against the model.

    >>> from training.evaluation.answers import Truth
    >>> one = np.array(["a"])
    >>> even = Answers.plain(Truth(label=np.array([3]), group=one, source=one), np.full((1, 7), 1 / 7))
    >>> float(top(even, np.ones((1, 1)), k=3)[0])
    0.0
    """
    above = (answers.p >= answers.of_truth[:, None]).sum(axis=1)
    return mean((above <= k).astype(np.float64), weights)


def recall(answers: Answers, weights: Matrix, *, label: int) -> Matrix:
    """The share found of the photos of one continent."""
    own = (answers.truth.label == label).astype(np.float64)
    return _ratio(weights @ (own * _called(answers, label)), weights @ own)


def f1(answers: Answers, weights: Matrix, *, label: int) -> Matrix:
    """2·hits / (photos called so + photos that are so) of one continent; 0 if it is only called."""
    own = (answers.truth.label == label).astype(np.float64)
    called = _called(answers, label)
    return _ratio(2 * (weights @ (own * called)), weights @ (own + called))


def macro_recall(answers: Answers, weights: Matrix) -> Matrix:
    """The mean recall of the judged continents, each counting the same."""
    return _macro(recall, answers, weights)


def macro_f1(answers: Answers, weights: Matrix) -> Matrix:
    """The mean F1 of the judged continents, each counting the same."""
    return _macro(f1, answers, weights)


def brier(answers: Answers, weights: Matrix) -> Matrix:
    """The mean squared distance of probabilities and truth, Σ_c (p_c − y_c)², 0 to 2 (Brier, 1950)."""
    truth = np.eye(len(SLUGS))[answers.truth.label]
    return mean(((answers.p - truth) ** 2).sum(axis=1), weights)


def nll(answers: Answers, weights: Matrix) -> Matrix:
    """The mean negative log-likelihood in nats."""
    return mean(-np.log(np.maximum(answers.of_truth, _LEAST_P)), weights)


def ece(answers: Answers, weights: Matrix) -> Matrix:
    """Expected calibration error of the most probable continent: Σ (n_b/n)·|accuracy_b − confidence_b|.

    15 equal-width bins (lo, hi] (Naeini et al., 2015). Biased upward in small samples: read it beside
    `reliability.expected`.
    """
    gap = answers.confidence - answers.right
    binned = np.zeros((len(answers), BINS))
    binned[np.arange(len(answers)), bin_of(answers.confidence)] = gap
    return _ratio(np.abs(weights @ binned).sum(axis=1), weights.sum(axis=1))


def bin_of(confidence: Matrix) -> Labels:
    """The bin, 0 to 14, that holds each confidence: (lo, hi], so 1/15 lies in the first and 1 in the last.

    >>> bin_of(np.array([1 / 15, 2 / 15, 0.5, 1.0])).tolist()
    [0, 1, 7, 14]
    """
    edges = np.arange(1, BINS + 1) / BINS
    return np.minimum(np.searchsorted(edges, confidence, side="left"), BINS - 1)


def coverage(answers: Answers, weights: Matrix) -> Matrix:
    """The share of conformal sets that hold the true continent."""
    if answers.sets is None:
        return np.full(len(weights), np.nan)
    inside = answers.sets[np.arange(len(answers)), answers.truth.label]
    return mean(inside.astype(np.float64), weights)


def mean_set_size(answers: Answers, weights: Matrix) -> Matrix:
    """How many continents a conformal set holds, on average."""
    if answers.sets is None:
        return np.full(len(weights), np.nan)
    return mean(answers.sets.sum(axis=1).astype(np.float64), weights)


def abstained(answers: Answers, weights: Matrix) -> Matrix:
    """The share of photos of which no continent was called."""
    if answers.called is None:
        return np.full(len(weights), np.nan)
    return mean((~answers.called).astype(np.float64), weights)


def risk(answers: Answers, weights: Matrix, *, share: float = HALF) -> Matrix:
    """The share wrong among that share of the photos which the model is surest of.

    Photos that it is equally sure of are taken in equal parts, so that no order of the file decides.
    """
    order = np.argsort(-answers.sureness, kind="stable")
    sorted_sureness = answers.sureness[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_sureness[1:] != sorted_sureness[:-1]]))
    drawn = weights[:, order]
    photos = np.add.reduceat(drawn, starts, axis=1)
    wrong = np.add.reduceat(drawn * ~answers.right[order], starts, axis=1)
    wanted = share * photos.sum(axis=1, keepdims=True)
    before = np.cumsum(photos, axis=1) - photos
    taken = np.clip(wanted - before, 0, photos)
    part = np.divide(taken, photos, out=np.zeros_like(photos), where=photos > 0)
    return _ratio((part * wrong).sum(axis=1), wanted[:, 0])


SCORES: Final[Mapping[str, Score]] = {
    "top1": partial(top, k=1),
    "top3": partial(top, k=3),
    "macro_recall": macro_recall,
    "macro_f1": macro_f1,
    "ece": ece,
    "brier": brier,
    "nll": nll,
    "coverage": coverage,
    "mean_set_size": mean_set_size,
    "abstained": abstained,
    "risk_at_coverage": risk,
}
"""The scores by their names in the JSON document."""

LOWER_IS_BETTER: Final = frozenset({"ece", "brier", "nll", "mean_set_size", "abstained", "risk_at_coverage"})


def value(score: Score, answers: Answers) -> float:
    """The score itself: every photo counts once; NaN for none."""
    return float(score(answers, np.ones((1, len(answers))))[0])


def _called(answers: Answers, label: int) -> Matrix:
    return np.asarray(answers.p.argmax(axis=1) == label, dtype=np.float64)


def _macro(score: Callable[..., Matrix], answers: Answers, weights: Matrix) -> Matrix:
    judged = answers.truth.judged
    if not judged:
        return np.full(len(weights), np.nan)
    each = np.stack([score(answers, weights, label=label) for label in judged])
    known = np.isfinite(each).astype(np.float64)
    return _ratio(np.nan_to_num(each).sum(axis=0), known.sum(axis=0))


def _ratio(above: Matrix, below: Matrix) -> Matrix:
    """Divided, NaN where there is nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))
