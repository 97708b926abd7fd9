"""Risk and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.uncertainty import selective


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_every_point_is_what_counting_gives(seed: int, tied: bool) -> None:
    """Calling all photos at least as sure: so many are called, so many of those are wrong."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(40)
    confidence = np.round(confidence, 1) if tied else confidence
    wrong = rng.random(40) < 0.4
    curve = selective.risk_coverage(confidence, wrong)
    for level, coverage, risk in zip(curve.confidence, curve.coverage, curve.risk, strict=True):
        called = confidence >= level
        assert coverage == pytest.approx(called.mean())
        assert risk == pytest.approx(wrong[called].mean())
    assert curve.coverage[-1] == 1
    assert len(curve.confidence) == len(np.unique(confidence))


def test_the_area_is_the_mean_risk() -> None:
    """By hand: right, wrong, right gives risks 0, 1/2 and 1/3 at three equal steps."""
    curve = selective.risk_coverage(np.array([0.9, 0.8, 0.7]), np.array([False, True, False]))
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert curve.risk_at(0.3) == 0
    assert curve.risk_at(0.6) == pytest.approx(1 / 2)
    assert curve.risk_at(1.0) == pytest.approx(1 / 3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_no_order_is_better_than_the_oracles(seed: int) -> None:
    """The excess is never negative, 0 for right before wrong, and largest for the reverse."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(30) < 0.4
    own, best, worst = (
        selective.excess(order, wrong)
        for order in (rng.random(30), 1.0 - wrong - np.arange(30) / 100, wrong - np.arange(30) / 100)
    )
    assert best == pytest.approx(0, abs=1e-12)
    assert -1e-12 <= own <= worst + 1e-12


def test_what_is_called_is_the_most_probable() -> None:
    """And wrong where that is not the label."""
    best, wrong = selective.called(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 1]))
    assert best.tolist() == [1, 0]
    assert wrong.tolist() == [False, True]
