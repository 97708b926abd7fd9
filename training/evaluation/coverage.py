"""Do conformal sets hold what they promise? By the law that coverage really follows, not by a hunch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.calibration import COVERAGE, conformal_quantile
from training.evaluation.answers import Labels, Matrix
from training.uncertainty.conformal import band, least

HALVINGS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchangeable:
    """Coverage over random halvings of the same photos: fitted on one half, tested on the other.

    `low` and `high` are the 95% band in which the coverage of one halving lies; `inside` is the share of
    halvings that do: about 0.95, if the theory is as said and the code is right.
    """

    fitted: int
    tested: int
    mean: float
    low: float
    high: float
    inside: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "halvings": HALVINGS,
            "fitted_on": self.fitted,
            "tested_on": self.tested,
            "coverage": round(self.mean, 4),
            "band": {"low": round(self.low, 4), "high": round(self.high, 4)},
            "inside_band": round(self.inside, 4),
        }


def halved(p: Matrix, label: Labels, *, coverage: float = COVERAGE, seed: int = 0) -> Exchangeable | None:
    """Halve the photos at random, again and again: in domain, where the promise holds, it must be kept.

    None where half of them are too few for any promise.

    Args:
        p: probabilities (n, labels) that were fitted without their photo.
        label: the truth (n,).
        coverage: what the sets promise.
        seed: draws the halves.
    """
    rng = np.random.default_rng(seed)
    n = len(label)
    fitted, alpha = n // 2, round(1 - coverage, 9)
    if fitted < least(alpha):
        return None
    low, high = band(fitted, n - fitted, alpha=alpha)
    found = []
    for _ in range(HALVINGS):
        order = rng.permutation(n)
        one, other = order[:fitted], order[fitted:]
        quantile = conformal_quantile(p[one], label[one], coverage=coverage)
        found.append(float((1 - p[other, label[other]] <= quantile).mean()))
    share = np.array(found)
    # A hair's breadth, so that rounding does not put an edge outside of its own band.
    inside = (low - 1e-12 <= share) & (share <= high + 1e-12)
    return Exchangeable(
        fitted=fitted,
        tested=n - fitted,
        mean=float(share.mean()),
        low=low,
        high=high,
        inside=float(inside.mean()),
    )
