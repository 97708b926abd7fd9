"""Selective prediction: how wrong the model is on the photos that it dares to call.

θ itself is `training.calibration.threshold`, the smallest that meets the target on unseen sources. Here is
the curve that it is chosen from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.embeddings import Labels, Matrix
from training.fusion.batch import Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage:
    """By falling confidence: `coverage`, the share of photos called, and `risk`, the share of those wrong.

    One point at every distinct `confidence`: photos that are equally sure are called together
    (El-Yaniv and Wiener, 2010).
    """

    confidence: Matrix
    coverage: Matrix
    risk: Matrix

    @property
    def area(self) -> float:
        """The area under the curve, AURC (Geifman, Uziel and El-Yaniv, 2019): the mean risk over coverages.

        Each photo counts with the risk of all that are called when it is.
        """
        step = np.diff(self.coverage, prepend=0.0)
        return float((step * self.risk).sum())

    def risk_at(self, coverage: float) -> float:
        """The risk when at least this share is called, by the highest confidence that reaches it."""
        at = min(int(np.searchsorted(self.coverage, coverage - 1e-12)), len(self.risk) - 1)
        return float(self.risk[at])


def risk_coverage(confidence: Matrix, wrong: Flags) -> RiskCoverage:
    """The curve of photos with these confidences, shape (n,), of which these are wrong.

    >>> curve = risk_coverage(np.array([0.9, 0.5, 0.5, 0.1]), np.array([False, True, False, True]))
    >>> curve.coverage.tolist(), curve.risk.round(3).tolist()
    ([0.25, 0.75, 1.0], [0.0, 0.333, 0.5])
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    called = last + 1
    return RiskCoverage(
        confidence=ranked[last],
        coverage=called / len(confidence),
        risk=np.cumsum(wrong[order])[last] / called,
    )


def excess(confidence: Matrix, wrong: Flags) -> float:
    """AURC above that of an oracle that calls every right photo first: 0–1, 0 is the best order."""
    own = risk_coverage(confidence, wrong).area
    return own - risk_coverage(-wrong.astype(np.float64) - _places(wrong), wrong).area


def _places(wrong: Flags) -> Matrix:
    """Falling tie-breakers below 1: the oracle calls one photo at a time, as distinct confidences do."""
    return np.arange(len(wrong)) / (len(wrong) + 1.0)


def called(p: Matrix, label: Labels) -> tuple[Labels, Flags]:
    """The most probable label of every photo and whether it is wrong."""
    best = p.argmax(axis=1)
    return best, best != label
