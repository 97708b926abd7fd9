"""MC dropout as explicit masks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.fusion.models import any_gates
from training.uncertainty import dropout, known


@pytest.mark.parametrize("rate", [0.1, 0.2])
def test_masks_keep_the_mean(rate: float) -> None:
    """Each unit is dropped with the rate, and the rest scaled, so that a unit's mean factor is 1."""
    factors = dropout.masks(20_000, 8, rate=rate, seed=1)
    assert set(np.unique(factors)) == {0.0, 1 / (1 - rate)}
    assert factors.mean() == pytest.approx(1, abs=0.01)
    assert (factors == 0).mean() == pytest.approx(rate, abs=0.005)


def test_masks_are_written_down() -> None:
    """The same seed gives the same masks: a prediction can be repeated."""
    assert (dropout.masks(5, 16, rate=0.2, seed=3) == dropout.masks(5, 16, rate=0.2, seed=3)).all()
    assert (dropout.masks(5, 16, rate=0.2, seed=3) != dropout.masks(5, 16, rate=0.2, seed=4)).any()


def test_a_member_is_the_gates_with_units_missing() -> None:
    """A mask of ones changes nothing; one of zeros leaves what does not go through hidden units."""
    gates = any_gates(1, members=1, units=4)
    samples = known.draw(20, seed=1).samples
    logits = np.repeat(samples.image[:, None], 2, axis=1)
    made = dropout.members(gates, np.stack([np.ones(4), np.zeros(4)]))
    whole = gates.fuse(samples.logits, samples.evidence)[:, 0]
    fused = made.fuse(logits, samples.evidence)
    assert fused[:, 0] == pytest.approx(whole)
    assert np.abs(fused[:, 1] - whole).max() > 0.01


def test_masks_go_on_one_member() -> None:
    """Of an ensemble nobody could say which member a mask thins."""
    with pytest.raises(ValueError, match="fit a single one"):
        dropout.members(any_gates(1, members=2), np.ones((3, 3)))
