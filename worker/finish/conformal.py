"""The conformal set: labels that cannot be ruled out at the card's coverage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def lac_set(p: npt.NDArray[np.float64], *, quantile: float) -> tuple[int, ...]:
    """Indices of the labels whose score 1 − p is at most the calibrated quantile, most probable first.

    Least ambiguous set-valued classifier (Sadinle, Lei and Wasserman, 2019). Never empty: where every label
    scores above the quantile the most probable one is kept, which only raises coverage.

    Args:
        p: probabilities, shape (labels,).
        quantile: the ⌈(n + 1)(1 − α)⌉-th smallest calibration score, in 0–1.

    >>> lac_set(np.array([0.2, 0.7, 0.1]), quantile=0.85)
    (1, 0)
    """
    order = np.argsort(-p, kind="stable")
    kept = tuple(int(index) for index in order if 1 - p[index] <= quantile)
    return kept or (int(order[0]),)
