"""The map of continents: sampled coarsely, refined where neighbours differ, stored as runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.prepare.evidence.tables import EARTH_STEP, Earth

COARSEST_STEP: Final = 8 * EARTH_STEP
"""Degrees: 0.2, 22 km; an island with its coastal waters (12 nautical miles each way) is twice as wide."""

Codes = npt.NDArray[np.uint8]
Sample = Callable[[float, float], int]
"""(latitude, longitude) in degrees → a code."""


def survey(sample: Sample, *, coarsest: float = COARSEST_STEP, finest: float = EARTH_STEP) -> Codes:
    """Sample the whole globe at the centres of cells, halving the cells along every border.

    A cell keeps its coarser parent's code where the parent and its eight neighbours agree; so what is smaller
    than `coarsest` and touches nothing of its kind may be missed.

    Returns:
        uint8 (180 / finest, 360 / finest), northernmost row first, westernmost column first.
    """
    step = coarsest
    codes = np.array(
        [[sample(*_centre(row, column, step)) for column in range(round(360 / step))]
         for row in range(round(180 / step))],
        dtype=np.uint8,
    )  # fmt: skip
    while step > finest * 1.5:
        at_border = np.repeat(np.repeat(_differs(codes), 2, axis=0), 2, axis=1)
        codes = np.repeat(np.repeat(codes, 2, axis=0), 2, axis=1)
        step /= 2
        for row, column in zip(*np.nonzero(at_border), strict=True):
            codes[row, column] = sample(*_centre(int(row), int(column), step))
    return codes


def _centre(row: int, column: int, step: float) -> tuple[float, float]:
    return 90 - (row + 0.5) * step, -180 + (column + 0.5) * step


def _differs(codes: Codes) -> npt.NDArray[np.bool_]:
    """Where a cell or one of its eight neighbours, around the globe, has another code."""
    rows = np.pad(codes, ((1, 1), (0, 0)), mode="edge")
    padded = np.pad(rows, ((0, 0), (1, 1)), mode="wrap")
    height, width = codes.shape
    differs = np.zeros(codes.shape, dtype=np.bool_)
    for down in range(3):
        for right in range(3):
            differs |= padded[down : down + height, right : right + width] != codes
    return differs


def runs(codes: Codes) -> Earth:
    """Pack the map into runs of equal codes.

    >>> packed = runs(np.array([[0, 0, 3], [1, 1, 1]], dtype=np.uint8))
    >>> packed.starts.tolist(), packed.columns.tolist(), packed.codes.tolist()
    ([0, 2, 3], [0, 2, 0], [0, 3, 1])
    """
    begins = np.ones(codes.shape, dtype=np.bool_)
    begins[:, 1:] = codes[:, 1:] != codes[:, :-1]
    return Earth(
        starts=np.concatenate([[0], begins.sum(axis=1).cumsum()]).astype(np.uint32),
        columns=np.nonzero(begins)[1].astype(np.uint16),
        codes=codes[begins],
    )
