"""How close an engine's answers are to the reference's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Two engines on the same `photos`: largest gap of a value, and the least cosine of two embeddings."""

    photos: int
    max_abs_difference: float
    min_cosine: float

    def document(self) -> dict[str, Any]:
        """As JSON, rounded to what the measurement carries."""
        return {
            key: value if isinstance(value, int) else float(f"{value:.6g}")
            for key, value in asdict(self).items()
        }


def compare(reference: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> Parity:
    """Compare two sets of answers, both of shape (photos, width).

    >>> compare(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)).max_abs_difference
    0.0
    """
    a, b = reference.astype(np.float64), other.astype(np.float64)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return Parity(
        photos=len(a), max_abs_difference=float(np.abs(a - b).max()), min_cosine=float(cosine.min())
    )
