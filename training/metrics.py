"""Scores of probabilities against the truth: pure functions of `p` (photos, labels) and `label` (photos,)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from training.embeddings import Labels, Matrix, Names

BINS: Final = 15
RESAMPLES: Final = 2000

Score = Callable[[Matrix, Labels], float]


def nll(p: Matrix, label: Labels) -> float:
    """The mean negative log-likelihood in nats."""
    return float(-np.log(np.maximum(p[np.arange(len(label)), label], 1e-300)).mean())


def ece(p: Matrix, label: Labels) -> float:
    """Expected calibration error of the most probable label: Σ (n_b/n)·|accuracy_b − confidence_b|.

    15 equal-width bins (lo, hi] (Naeini et al., 2015). Biased upward in small samples: read it beside
    `ece_if_calibrated`.
    """
    confidence = p.max(axis=1)
    return _ece(confidence, p.argmax(axis=1) == label)


def ece_if_calibrated(p: Matrix, *, seed: int = 0, draws: int = RESAMPLES) -> float:
    """The mean `ece` that these very confidences would show, were they perfectly calibrated (resampled)."""
    rng = np.random.default_rng(seed)
    confidence = p.max(axis=1)
    return float(np.mean([_ece(confidence, rng.random(len(confidence)) < confidence) for _ in range(draws)]))


def bin_of(confidence: Matrix) -> Labels:
    """The bin, 0 to 14, that holds each confidence: (lo, hi], so 1/15 lies in the first and 1 in the last.

    >>> bin_of(np.array([1 / 15, 2 / 15, 0.5, 1.0])).tolist()
    [0, 1, 7, 14]
    """
    edges = np.arange(1, BINS + 1) / BINS
    return np.minimum(np.searchsorted(edges, confidence, side="left"), BINS - 1)


def _ece(confidence: Matrix, right: Matrix) -> float:
    gap = np.bincount(bin_of(confidence), confidence - right, minlength=BINS)
    return float(np.abs(gap).sum() / len(confidence))


def interval(score: Score, p: Matrix, label: Labels, cluster: Names, *, seed: int = 0) -> tuple[float, float]:
    """The 95% percentile interval of a score when whole clusters are resampled with replacement.

    Photos of one source resemble each other; resampling photos would call them independent and the interval
    come out too narrow (Field and Welsh, 2007).
    """
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(cluster == name) for name in np.unique(cluster)]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        values.append(score(p[drawn], label[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
