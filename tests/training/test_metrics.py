"""Scores, against hand-worked values and perfectly calibrated simulations."""

from __future__ import annotations

import numpy as np
import pytest

from training import metrics
from training.embeddings import Labels, Matrix

P = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
LABEL = np.array([0, 0, 2, 1])


def right(p: Matrix, label: Labels) -> float:
    """The share whose most probable label is the truth."""
    return float((p.argmax(axis=1) == label).mean())


def test_likelihood_by_hand() -> None:
    """The truth's probabilities are 0.7, 0.4, 0.4 and 0.05."""
    assert metrics.nll(P, LABEL) == pytest.approx(-np.log([0.7, 0.4, 0.4, 0.05]).mean())


def test_ece_by_hand() -> None:
    """Four bins of one photo each: the mean of |right − confidence|."""
    assert metrics.ece(P, LABEL) == pytest.approx(np.mean([0.3, 0.5, 0.6, 0.9]))


def test_bins_are_open_below_and_closed_above() -> None:
    """A confidence on an edge belongs to the bin that it closes, unlike the common [lo, hi)."""
    edges = np.arange(1, 16) / 15
    assert metrics.bin_of(edges).tolist() == list(range(15))
    assert metrics.bin_of(np.nextafter(edges[:-1], 1)).tolist() == list(range(1, 15))


@pytest.mark.parametrize(("n", "expected"), [(54, 0.145), (181, 0.078), (360, 0.056), (2000, 0.024)])
def test_perfect_calibration_looks_this_bad_in_small_samples(n: int, expected: float) -> None:
    """METHODS' values for seven labels: what an ECE must be read beside."""
    rng = np.random.default_rng(3)
    values = [
        metrics.ece_if_calibrated(rng.dirichlet(np.full(7, 0.5), n), seed=draw, draws=20)
        for draw in range(10)
    ]
    assert np.mean(values) == pytest.approx(expected, rel=0.12)


def test_expected_ece_agrees_with_labels_that_are_really_drawn() -> None:
    """Resampling rightness from confidence is drawing labels from the probabilities."""
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(7), 300)
    drawn = [metrics.ece(p, np.array([rng.choice(7, p=row) for row in p])) for _ in range(60)]
    assert metrics.ece_if_calibrated(p) == pytest.approx(np.mean(drawn), abs=0.005)


def test_intervals_resample_whole_clusters() -> None:
    """Forty photos of two sources, one all right and one all wrong, say as little as two coin tosses."""
    p = np.tile([0.9, 0.1], (40, 1))
    label = np.repeat([0, 1], 20)
    sources = np.repeat(["a", "b"], 20)
    assert metrics.interval(right, p, label, sources) == (0.0, 1.0)
    alone = np.arange(40).astype(str)
    low, high = metrics.interval(right, p, label, alone)
    assert 0.3 < low < 0.4
    assert 0.6 < high < 0.7
