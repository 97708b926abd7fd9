"""Reliability: what chance alone does to an ECE, and what it does not explain."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn, truth_of
from training.evaluation.answers import Answers
from training.evaluation.reliability import measure
from training.evaluation.scores import ece, value


@pytest.mark.parametrize(("n", "expected"), [(54, 0.145), (181, 0.078), (360, 0.056), (2000, 0.024)])
def test_perfect_calibration_looks_this_bad_in_small_samples(n: int, expected: float) -> None:
    """The known values for seven labels and 15 bins: what an ECE must be read beside."""
    rng = np.random.default_rng(3)
    values = []
    for draw in range(6):
        p = rng.dirichlet(np.full(7, 0.5), n)
        values.append(measure(Answers.plain(truth_of(np.zeros(n, dtype=int)), p), seed=draw).expected)
    assert np.mean(values) == pytest.approx(expected, rel=0.12)


def test_the_expected_ece_is_that_of_labels_that_are_really_drawn() -> None:
    """Resampling rightness from confidence is drawing labels from the probabilities."""
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(7), 300)
    drawn_again = [
        value(ece, Answers.plain(truth_of(np.array([rng.choice(7, p=row) for row in p])), p))
        for _ in range(60)
    ]
    found = measure(Answers.plain(truth_of(np.zeros(300, dtype=int)), p))
    assert found.expected == pytest.approx(np.mean(drawn_again), abs=0.005)


def test_a_calibrated_model_is_doubted_as_often_as_chance_says() -> None:
    """Over forty samples of a true model the p-value falls below 0.1 in about four."""
    p_values = np.array([measure(drawn(150, seed=seed)).p_value for seed in range(40)])
    assert (p_values < 0.1).sum() <= 10
    assert (p_values < 0.25).sum() >= 3
    assert 0.35 < p_values.mean() < 0.65


def test_a_model_that_is_too_sure_is_found_out() -> None:
    """Twice as sure as is true: no perfectly calibrated sample looks like it."""
    found = measure(drawn(400, stretch=2.5, seed=1))
    assert found.p_value < 0.01
    assert found.debiased > 0.05
    surest = found.bins[-1]
    assert surest.right < surest.least


def test_bins_hold_every_photo_once() -> None:
    """Counts add up, edges are fifteenths, and nothing lies outside of its bin."""
    answers = drawn(200)
    found = measure(answers)
    assert sum(each.n for each in found.bins) == 200
    assert all(each.low < each.confidence <= each.high for each in found.bins)
    assert all(each.high - each.low == pytest.approx(1 / 15) for each in found.bins)
    assert found.ece == pytest.approx(
        sum(each.n * abs(each.right - each.confidence) for each in found.bins) / 200
    )
