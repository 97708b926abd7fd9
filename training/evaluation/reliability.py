"""Are the probabilities true? Reliability by bin, and how much of an ECE is no more than a small sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.evaluation.answers import Answers, Labels, Matrix
from training.evaluation.scores import BINS, bin_of, ece, value

DRAWS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bin (low, high] of confidence that is not empty.

    `least` and `most` are where 95% of such bins would have their share right, were the model calibrated.
    """

    low: float
    high: float
    n: int
    confidence: float
    right: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The bins, the ECE, and what these very confidences would show were they perfectly calibrated.

    `expected` is the mean ECE under perfect calibration, `debiased` the measured less that (it may be
    negative), `p_value` the share of perfectly calibrated samples whose ECE is at least the measured one.
    """

    bins: tuple[Bin, ...]
    ece: float
    expected: float
    p_value: float

    @property
    def debiased(self) -> float:
        """The measured ECE less the expected one."""
        return self.ece - self.expected

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "bins": BINS,
            "expected_if_calibrated": round(self.expected, 4),
            "debiased": round(self.debiased, 4),
            "p_value": round(self.p_value, 4),
            "reliability": [
                {
                    "above": round(each.low, 4),
                    "up_to": round(each.high, 4),
                    "n": each.n,
                    "confidence": round(each.confidence, 4),
                    "right": round(each.right, 4),
                }
                for each in self.bins
            ],
        }


def measure(answers: Answers, *, seed: int = 0) -> Reliability:
    """Bin the answers, and resample whether each is right from its own confidence.

    The resampled samples hold independent photos; those of one group are not, so a `p_value` is rather too
    small than too large: calibration that it does not doubt is not doubted.
    """
    confidence, right = answers.confidence, answers.right
    where = bin_of(confidence)
    shown = _if_calibrated(confidence, seed)
    perfect = np.abs(shown - _sums(confidence[None], where)).sum(axis=1) / len(answers)
    measured = value(ece, answers)
    bins = []
    for number in np.unique(where):
        own = where == number
        low, high = np.quantile(shown[:, number], [0.025, 0.975]) / own.sum()
        bins.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                n=int(own.sum()),
                confidence=float(confidence[own].mean()),
                right=float(right[own].mean()),
                least=float(low),
                most=float(high),
            )
        )
    return Reliability(
        bins=tuple(bins),
        ece=measured,
        expected=float(perfect.mean()),
        # A hair's breadth, so that rounding does not tell a sample from itself.
        p_value=float((perfect >= measured - 1e-12).mean()),
    )


def _if_calibrated(confidence: Matrix, seed: int) -> Matrix:
    """How many photos of each bin are right in each draw of a perfectly calibrated model, (draws, bins)."""
    rng = np.random.default_rng(seed)
    where = bin_of(confidence)
    block = max(1, 4_000_000 // len(confidence))
    sizes = [min(block, DRAWS - start) for start in range(0, DRAWS, block)]
    return np.concatenate(
        [
            _sums((rng.random((size, len(confidence))) < confidence).astype(np.float64), where)
            for size in sizes
        ]
    )


def _sums(values: Matrix, where: Labels) -> Matrix:
    """Sums by bin, (rows, bins), of values (rows, n)."""
    onto = np.zeros((values.shape[1], BINS))
    onto[np.arange(values.shape[1]), where] = 1.0
    return np.asarray(values @ onto)
