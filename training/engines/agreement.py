"""Whether an engine may stand for its source: does it call the same continents, at no cost in likelihood?

Both are judged on photos whose source (photographer, archive) the heads have not seen, each calibrated in the
same way. Photos of one source resemble each other, so intervals resample whole sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from training import metrics
from training.embeddings import Labels, Matrix, Names

TOLERANCE: Final[Mapping[str, float]] = {"fp32": 0.001, "bf16": 0.01, "fp16": 0.01, "int8": 0.03}
"""How far a probability may move. Where the two most probable continents are more than twice that apart, an
engine within it calls the same one."""

NLL_MARGIN: Final = 0.02
"""Nats a photo that an engine may cost at most: two per cent off the probability of the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An engine beside its reference on the same photos.

    `clear`: photos on which the reference's margin exceeds twice the tolerance; `overturned`: those of them
    on which the engine calls another continent. `largest_gap` and `usual_gap` (95th percentile): how far a
    photo's probabilities moved at most. `nll`: by how many nats a photo the engine is worse, with its paired
    95% interval.
    """

    photos: int
    sources: int
    tolerance: float
    same: int
    clear: int
    overturned: int
    largest_gap: float
    usual_gap: float
    nll: float
    nll_low: float
    nll_high: float

    @property
    def verdict(self) -> str:
        """`ships`, `differs`, `worse`, or `open` where the photos are too few to tell.

        An engine ships when it overturns no clear call and the upper end of its cost in NLL is within the
        margin: a wide interval is no licence.
        """
        if self.overturned:
            return "differs"
        if self.nll_high <= NLL_MARGIN:
            return "ships"
        return "worse" if self.nll_low > 0 else "open"


def agreement(
    reference: Matrix, other: Matrix, label: Labels, source: Names, *, tolerance: float
) -> Agreement:
    """Compare two engines' probabilities, both (photos, labels).

    >>> p = np.array([[0.7, 0.3], [0.4, 0.6]])
    >>> agreement(p, p, np.array([0, 1]), np.array(["a", "b"]), tolerance=0.01).verdict
    'ships'
    """
    rows = np.arange(len(label))
    ordered = np.sort(reference, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 2 * tolerance
    same = reference.argmax(axis=1) == other.argmax(axis=1)
    gap = np.abs(reference - other).max(axis=1)
    cost = np.log(np.maximum(reference[rows, label], 1e-300)) - np.log(np.maximum(other[rows, label], 1e-300))
    low, high = metrics.interval(lambda drawn, _label: float(drawn.mean()), cost[:, None], label, source)
    return Agreement(
        photos=len(label),
        sources=len(np.unique(source)),
        tolerance=tolerance,
        same=int(same.sum()),
        clear=int(clear.sum()),
        overturned=int((clear & ~same).sum()),
        largest_gap=float(gap.max()),
        usual_gap=float(np.quantile(gap, 0.95)),
        nll=float(cost.mean()),
        nll_low=low,
        nll_high=high,
    )
