"""Corruptions are the same every time, grow with severity, and leave the photo itself alone."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.corruptions import CORRUPTIONS, SEVERITIES, corrupted
from training.places import EXAMPLES
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.record import Pixels


@pytest.fixture(scope="module")
def photo() -> Pixels:
    """A real photo, 160 pixels square."""
    data = (EXAMPLES / "europe-bern.jpg").read_bytes()
    return decode(data, DecodeLimits(50_000_000, 20_000), Target(160, 0.875)).pixels


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_repeatable_and_keeps_the_form(photo: Pixels, name: str) -> None:
    """The same photo always comes out the same, of the same size and kind, and is not changed itself."""
    before = photo.copy()
    for severity in SEVERITIES:
        once, again = corrupted(name, photo, severity), corrupted(name, photo, severity)
        assert np.array_equal(once, again)
        assert once.shape == photo.shape
        assert once.dtype == np.uint8
        assert not np.array_equal(once, photo)
    assert np.array_equal(photo, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_heavier_corruption_takes_more_away(photo: Pixels, name: str) -> None:
    """The distance to the clean photo grows from light to heavy, and stays short of noise."""
    away = [np.abs(corrupted(name, photo, severity).astype(float) - photo).mean() for severity in SEVERITIES]
    assert away[0] < away[1] < away[2] < 128
    assert away[0] > 0.5


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_small_and_narrow_photos_can_be_corrupted(name: str) -> None:
    """Nothing presumes a size."""
    narrow = np.full((9, 40, 3), 200, dtype=np.uint8)
    assert corrupted(name, narrow, 3).shape == narrow.shape


def test_an_unknown_corruption_is_an_error() -> None:
    """A misspelt name does not pass for a clean photo."""
    with pytest.raises(KeyError):
        corrupted("sunshine", np.zeros((9, 9, 3), dtype=np.uint8), 1)
