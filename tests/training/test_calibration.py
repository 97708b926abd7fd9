"""Temperature, conformal quantile and threshold, against independent implementations."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from training import calibration
from worker.finish.conformal import lac_set


def simulated(n: int, *, seed: int, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `stretch` times too sure, and labels drawn from the true probabilities."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 7))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    label = np.array([rng.choice(7, p=row) for row in p])
    return (stretch * z)[:, None, :].repeat(2, axis=1), label


@pytest.mark.parametrize("stretch", [0.5, 1.0, 3.0])
def test_temperature_undoes_a_stretch(stretch: float) -> None:
    """Logits that are s times too sure have temperature s."""
    logits, label = simulated(4000, seed=1, stretch=stretch)
    assert calibration.temperature(logits, label) == pytest.approx(stretch, rel=0.1)


def test_temperature_agrees_with_scikit_learn() -> None:
    """An independent fit of the same number (it stores 1/T)."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 5))
    label = (x[:, 0] + rng.normal(size=400) > 0).astype(int) + 2 * (x[:, 1] > 1)
    model = LogisticRegression(C=100).fit(x[:100], label[:100])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about their own solver
        other = CalibratedClassifierCV(FrozenEstimator(model), method="temperature", ensemble=False)
        other.fit(x[100:], label[100:])
    (beta,) = (one.beta_ for one in other.calibrated_classifiers_[0].calibrators)
    ours = calibration.temperature(model.decision_function(x[100:])[:, None, :], label[100:])
    assert 1 / ours == pytest.approx(float(beta), rel=1e-3)


def test_temperature_stays_finite_where_logits_say_nothing() -> None:
    """Labels that logits know nothing of want an endless temperature; they get the largest."""
    logits, label = simulated(300, seed=1, stretch=1.0)
    assert calibration.temperature(logits, label[::-1]) <= 50.0


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (10, 10), (19, 18), (54, 50), (340, 307)])
def test_quantile_is_the_score_of_the_right_rank(n: int, rank: int) -> None:
    """⌈(n + 1)·0.9⌉, also where the product is a whole number that floating point misses."""
    p = np.zeros((n, 2))
    p[:, 0] = 1 - np.arange(1, n + 1) / (n + 1)
    label = np.zeros(n, dtype=np.int64)
    assert calibration.conformal_quantile(p, label) == pytest.approx(rank / (n + 1))


def test_quantile_of_too_few_photos_is_every_label() -> None:
    """Below nine photos no score is high enough for 90%."""
    assert calibration.conformal_quantile(np.full((8, 2), 0.5), np.zeros(8, dtype=np.int64)) == 1.0


def test_coverage_lies_in_the_beta_binomial_band() -> None:
    """Over many draws of 54 calibration photos, coverage of fresh ones is Beta(n + 1 − l, l)-binomial."""
    n, fresh, level = 54, 400, int(55 * 0.1)
    band = stats.betabinom(fresh, n + 1 - level, level)
    outside, draws = 0, 60
    for seed in range(draws):
        logits, label = simulated(n + fresh, seed=seed, stretch=1.0)
        p = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(axis=1, keepdims=True)
        quantile = calibration.conformal_quantile(p[:n], label[:n])
        held = sum(
            int(truth) in lac_set(row, quantile=quantile) for row, truth in zip(p[n:], label[n:], strict=True)
        )
        outside += not band.ppf(0.005) <= held <= band.ppf(0.995)
    assert outside <= 3  # 1% of 60 expected; four would happen once in three hundred runs


@pytest.mark.parametrize(("errors", "trials"), [(0, 14), (1, 30), (5, 40), (40, 40)])
def test_upper_limit_agrees_with_scipy(errors: int, trials: int) -> None:
    """The one-sided exact limit of scipy's binomial test."""
    other = stats.binomtest(errors, trials, alternative="less").proportion_ci(0.95, method="exact").high
    assert calibration.upper_limit(errors, trials, confidence=0.95) == pytest.approx(other, abs=1e-12)


def threshold(wrong: np.ndarray, group: np.ndarray, source: np.ndarray) -> calibration.Selective:
    """Measure photos that all reach the threshold."""
    return calibration.selective(0.5, np.full(len(wrong), 0.6), wrong, group, source)


def test_photos_of_one_source_count_once() -> None:
    """A hundred right photos of one source prove nothing about unseen ones."""
    one = threshold(np.zeros(100, dtype=bool), np.arange(100).astype(str), np.full(100, "a"))
    assert one.effective == 1.0
    assert one.upper_limit > 0.9


def test_independent_photos_count_fully() -> None:
    """Where every photo has its own source and group, the design effect is about one."""
    rng = np.random.default_rng(0)
    own = np.arange(400).astype(str)
    wrong = rng.random(400) < 0.1
    found = threshold(wrong, own, own)
    assert found.effective == pytest.approx(399, abs=2)
    assert found.upper_limit == pytest.approx(
        calibration.upper_limit(wrong.sum(), 400, confidence=1 - 0.05 / len(calibration.GRID)), abs=0.002
    )


def test_errors_that_cluster_widen_the_limit() -> None:
    """The same share of errors, all in two of twenty sources, is worth about twenty photos."""
    source = np.repeat(np.arange(20).astype(str), 20)
    spread, clustered = np.tile(np.arange(20) < 2, 20), np.repeat(np.arange(20) < 2, 20)
    own = np.arange(400).astype(str)
    assert threshold(clustered, own, source).effective < 25
    assert threshold(clustered, own, source).upper_limit > threshold(spread, own, source).upper_limit + 0.1


def test_groups_bound_what_photos_are_worth() -> None:
    """Photos of one trip are one trial, however many sources they were found in."""
    rng = np.random.default_rng(0)
    found = threshold(
        rng.random(300) < 0.1, np.repeat(np.arange(30).astype(str), 10), np.arange(300).astype(str)
    )
    assert found.effective <= 30


def test_threshold_is_the_smallest_that_meets_the_target() -> None:
    """Photos below 0.5 are wrong and those above right: θ is the first grid point without the wrong ones."""
    low = np.concatenate([np.full(200, 0.47), np.full(200, 0.6)])
    own = np.arange(400).astype(str)
    theta, tried = calibration.threshold(low, np.repeat([True, False], 200), own, own)
    assert theta == 0.5
    assert [one.n for one in tried if one.theta in {0.45, 0.5, 0.65}] == [400, 200, 0]


def test_no_threshold_where_the_model_is_wrong() -> None:
    """A model that is wrong a third of the time everywhere has none: it abstains."""
    rng = np.random.default_rng(0)
    own = np.arange(400).astype(str)
    assert calibration.threshold(rng.random(400), rng.random(400) < 1 / 3, own, own)[0] is None
