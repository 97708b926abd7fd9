"""Coverage is held against the law that it follows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn, softmax
from training.evaluation.coverage import halved


def test_exchangeable_halves_keep_the_promise() -> None:
    """Over samples of one law: 90% covered, and about 95% of halvings inside the band."""
    found = [halved(each.p, each.truth.label) for each in (drawn(n, seed=n) for n in range(100, 340, 30))]
    shares = [one.inside for one in found if one is not None]
    means = [one.mean for one in found if one is not None]
    assert len(shares) == 8
    assert 0.9 < np.mean(shares) < 0.99
    assert np.mean(means) == pytest.approx(0.9, abs=0.015)


def test_the_halves_are_all_photos() -> None:
    """An odd one is tested, not lost."""
    one = drawn(101)
    found = halved(one.p, one.truth.label)
    assert found is not None
    assert (found.fitted, found.tested) == (50, 51)
    assert found.low < 0.9 < found.high


def test_too_few_photos_promise_nothing() -> None:
    """Nine are needed to fit on: seventeen photos have eight in a half."""
    few, enough = drawn(17), drawn(18)
    assert halved(few.p, few.truth.label) is None
    assert halved(enough.p, enough.truth.label) is not None


def test_a_stricter_promise_is_kept_too() -> None:
    """Another coverage has its own quantile and its own band."""
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(400, 7)))
    label = np.array([rng.choice(7, p=row) for row in p])
    found = halved(p, label, coverage=0.8)
    assert found is not None
    assert found.mean == pytest.approx(0.8, abs=0.03)
    assert found.low < 0.8 < found.high
