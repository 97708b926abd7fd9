"""Conformal sets, against MAPIE's figures, the worker's sets and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from training import calibration
from training.uncertainty import conformal
from worker.finish.conformal import lac_set


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(7, 0.6), n)
    return p, np.array([rng.choice(7, p=row) for row in p])


@pytest.mark.parametrize(
    ("kind", "alpha", "quantile", "labels"),
    [
        ("lac", 0.1, 0.91349084, 225),
        ("lac", 0.05, 0.94945608, 279),
        ("aps", 0.1, 0.89003404, 194),
        ("aps", 0.05, 0.95623201, 249),
    ],
)
def test_quantiles_and_sets_are_mapies(kind: str, alpha: float, quantile: float, labels: int) -> None:
    """Figures of MAPIE 1.6.0 (SplitConformalClassifier, random_state 0; APS without the last label).

    200 photos calibrate, 60 are judged: the quantile, and how many labels all 60 sets hold.
    """
    p, label = drawn(260, 7)
    # MAPIE takes its chance off the label's own probability, from numpy's older generator.
    chance = 1 - np.random.RandomState(0).uniform(size=200)
    own = {
        "lac": (conformal.lac_scores(p[:200]), conformal.lac_scores(p[200:])),
        "aps": (conformal.aps_scores(p[:200], chance), conformal.aps_scores(p[200:], np.ones(60))),
    }
    fitted, fresh = own[kind]
    found = conformal.quantile(fitted[np.arange(200), label[:200]], alpha=alpha)
    assert found == pytest.approx(quantile, abs=1e-8)
    assert int((fresh <= found).sum()) == labels


def test_lac_is_what_the_worker_serves() -> None:
    """The same quantile as the card's, and the same sets as the worker's where those are not empty."""
    p, label = drawn(150, 1)
    scores = conformal.lac_scores(p)
    found = conformal.quantile(scores[np.arange(150), label], alpha=0.1)
    assert found == pytest.approx(calibration.conformal_quantile(p, label))
    for row, kept in zip(p, scores <= found, strict=True):
        assert set(lac_set(row, quantile=found)) == set(np.flatnonzero(kept)) or not kept.any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_aps_scores_are_cumulative(seed: int) -> None:
    """Without chance the scores are the sorted sums; chance lowers each by at most the label's own share."""
    p, _ = drawn(4, seed)
    whole, none = (conformal.aps_scores(p, np.full(4, chance)) for chance in (1.0, 0.0))
    for row, scores in zip(p, whole, strict=True):
        assert np.sort(scores) == pytest.approx(np.cumsum(np.sort(row)[::-1]))
        assert scores == pytest.approx([row[row >= one].sum() for one in row])
    assert whole - none == pytest.approx(p)


@pytest.mark.parametrize("alpha", [0.1, 0.05])
@pytest.mark.parametrize("kind", ["lac", "aps"])
def test_coverage_lies_in_its_band(kind: str, alpha: float) -> None:
    """Of 60 calibration draws of 99 photos, one in a hundred covers fresh photos outside the 99% band."""
    low, high = conformal.band(99, 400, alpha=alpha, level=0.99)
    outside = 0
    for seed in range(60):
        p, label = drawn(499, seed)
        rng = np.random.default_rng(seed)
        scores = conformal.lac_scores(p) if kind == "lac" else conformal.aps_scores(p, rng.random(499))
        found = conformal.quantile(scores[np.arange(99), label[:99]], alpha=alpha)
        outside += not low <= conformal.coverage(scores[99:] <= found, label[99:]) <= high
    assert outside <= 3  # four would happen once in three hundred runs


def test_the_band_is_the_beta_binomials() -> None:
    """Its edges are scipy's quantiles, and with endless fresh photos those of the Beta distribution."""
    low, high = conformal.band(54, 20_000, alpha=0.1)
    beta = stats.beta(54 + 1 - 5, 5)
    assert (low, high) == pytest.approx((beta.ppf(0.025), beta.ppf(0.975)), abs=2e-3)


def test_a_continent_of_few_photos_is_in_every_set() -> None:
    """Eight photos give no quantile at 90%, nine do; its sets hold the label whatever its score."""
    p, _ = drawn(17, 3)
    label = np.array([0] * 8 + [1] * 9)
    fitted = conformal.per_continent(conformal.lac_scores(p), label, alpha=0.1)
    assert fitted.n.tolist() == [8, 9, 0, 0, 0, 0, 0]
    assert np.isfinite(fitted.quantiles).tolist() == [False, True, *[False] * 5]
    assert conformal.least(0.1) == 9
    sets = fitted.sets(conformal.lac_scores(p))
    assert sets[:, [0, 2, 3, 4, 5, 6]].all()
    assert not sets[:, 1].all()


def test_every_continent_is_covered_by_its_own_quantile() -> None:
    """On average over draws each continent's coverage is 90%, which one quantile for all does not give."""
    own, common = np.zeros(2), np.zeros(2)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        label = (rng.random(600) < 0.15).astype(np.int64)
        # The rarer continent is the harder one.
        right = np.clip(rng.normal(np.where(label, 0.35, 0.75), 0.2), 0.01, 0.99)
        p = np.where(np.arange(2) == label[:, None], right[:, None], 1 - right[:, None])
        scores = conformal.lac_scores(p)
        fitted = conformal.per_continent(scores[:300], label[:300], alpha=0.1)
        one = conformal.quantile(scores[np.arange(300), label[:300]], alpha=0.1)
        for number in (0, 1):
            rows = label[300:] == number
            own[number] += conformal.coverage(fitted.sets(scores[300:])[rows], label[300:][rows]) / 25
            common[number] += conformal.coverage((scores[300:] <= one)[rows], label[300:][rows]) / 25
    assert own.min() > 0.88
    assert common[1] < 0.75
