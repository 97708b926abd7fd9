"""The map: what is refined, what is kept, how it is packed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training.evidence import raster


def hemispheres(latitude: float, longitude: float) -> int:
    """East is 1; north of 45° is 2."""
    return 2 if latitude > 45 else int(longitude > 0)


def test_borders_are_sampled_finely_and_the_rest_is_not() -> None:
    """The same map as by sampling every fine cell, from far fewer samples."""
    asked = 0

    def counted(latitude: float, longitude: float) -> int:
        nonlocal asked
        asked += 1
        return hemispheres(latitude, longitude + 0.3)

    codes = raster.survey(counted, coarsest=10, finest=1.25)
    every = [
        [hemispheres(90 - (row + 0.5) * 1.25, -180 + (column + 0.5) * 1.25 + 0.3) for column in range(288)]
        for row in range(144)
    ]
    assert codes.tolist() == every
    assert asked < codes.size / 4


def test_the_date_line_is_looked_across() -> None:
    """A border at 180° is refined like any other: the first and the last column are neighbours."""
    codes = raster.survey(
        lambda _, longitude: int(abs(longitude) > 177 + (longitude < 0)), coarsest=5, finest=2.5
    )
    assert codes[:, [-1, 0]].all()
    assert not codes[:, 1:-1].any()


@given(arrays.arrays(np.uint8, (5, 12), elements=st.integers(0, 2)))
def test_runs_hold_the_whole_map(codes: raster.Codes) -> None:
    """Unpacked again they are what was packed."""
    packed = raster.runs(codes)
    rows = []
    for start, end in zip(packed.starts[:-1], packed.starts[1:], strict=True):
        lengths = np.diff([*packed.columns[start:end].astype(int), codes.shape[1]])
        rows.append(np.repeat(packed.codes[start:end], lengths))
    assert np.array(rows) == pytest.approx(codes)
