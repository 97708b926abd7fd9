"""Do conformal sets hold what they promise? By the law that coverage really follows, not by a hunch."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any, Final

import numpy as np

from training.calibration import COVERAGE, conformal_quantile
from training.evaluation.answers import Labels, Matrix

SPLITS: Final = 200
BAND: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Where the coverage of `tested` photos lies with 95% probability, after fitting on `fitted` ones."""

    fitted: int
    tested: int
    low: float
    high: float


def band(fitted: int, tested: int, *, coverage: float = COVERAGE, level: float = BAND) -> Band:
    """The central beta-binomial band of a split-conformal predictor's coverage.

    The coverage of one calibration draw of n photos is Beta(n + 1 − l, l), l = ⌊(n + 1)(1 − coverage)⌋; that
    of m exchangeable photos tested with it is beta-binomial (Vovk, 2012; Angelopoulos and Bates, 2023).
    Where n is too small for any threshold (l = 0) every set is full, and so is the coverage.

    Args:
        fitted: n, photos that the quantile was fitted on.
        tested: m, photos that it is tested on.
        coverage: what the sets promise.
        level: the probability of the band.
    """
    from scipy.stats import betabinom  # noqa: PLC0415 - 0.5 s, and the models extra only

    # A floor of a product of decimals: 20 × 0.1 must not become 1 by its last bit.
    beyond = floor(round((fitted + 1) * (1 - coverage), 9))
    if beyond == 0:
        return Band(fitted=fitted, tested=tested, low=1.0, high=1.0)
    law = betabinom(tested, fitted + 1 - beyond, beyond)
    return Band(
        fitted=fitted,
        tested=tested,
        low=float(law.ppf((1 - level) / 2)) / tested,
        high=float(law.ppf((1 + level) / 2)) / tested,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchangeable:
    """Coverage over random halvings of the same photos: fitted on one half, tested on the other.

    `inside` is the share of halvings whose coverage lies in `band`: about 0.95, if the theory is as said and
    the code is right.
    """

    halvings: int
    mean: float
    inside: float
    band: Band

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "halvings": self.halvings,
            "coverage": round(self.mean, 4),
            "band": {"low": round(self.band.low, 4), "high": round(self.band.high, 4)},
            "fitted_on": self.band.fitted,
            "tested_on": self.band.tested,
            "inside_band": round(self.inside, 4),
        }


def halved(p: Matrix, label: Labels, *, coverage: float = COVERAGE, seed: int = 0) -> Exchangeable:
    """Halve the photos at random, again and again: in domain, where the promise holds, it must be kept.

    Args:
        p: probabilities (n, labels) that were fitted without their photo.
        label: the truth (n,).
        coverage: what the sets promise.
        seed: draws the halves.
    """
    rng = np.random.default_rng(seed)
    n = len(label)
    fitted = n // 2
    expected = band(fitted, n - fitted, coverage=coverage)
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(n)
        one, other = order[:fitted], order[fitted:]
        quantile = conformal_quantile(p[one], label[one], coverage=coverage)
        found.append(float((1 - p[other, label[other]] <= quantile).mean()))
    share = np.array(found)
    inside = (expected.low - 1e-12 <= share) & (share <= expected.high + 1e-12)
    return Exchangeable(halvings=SPLITS, mean=float(share.mean()), inside=float(inside.mean()), band=expected)
