"""Probabilities and intervals, against independent computations and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from worker.finish.probability import entropy, log_odds, margin, posterior, softmax

T5 = float(stats.t.ppf(0.975, 4))


def test_softmax_and_entropy_agree_with_scipy() -> None:
    """Independent libraries give the same numbers."""
    z = np.random.default_rng(1).normal(size=(20, 7)) * 5
    np.testing.assert_allclose(softmax(z), special.softmax(z, axis=-1), rtol=1e-12)
    for row in softmax(z):
        assert entropy(row) == pytest.approx(stats.entropy(row), abs=1e-12)


def test_log_odds_agree_with_the_definition_and_survive_extremes() -> None:
    """log(p/(1 − p)) as the definition has it, and finite where p rounds to 0 or 1."""
    z = np.random.default_rng(2).normal(size=(5, 7))
    np.testing.assert_allclose(log_odds(z), special.logit(special.softmax(z, axis=-1)), rtol=1e-9)
    extreme = np.array([1e4, 0, 0, 0, 0, 0, -1e4])
    assert np.isfinite(log_odds(extreme)).all()


def test_interval_by_hand() -> None:
    """Centre logit(p), half-width t·s·√(1 + 1/M), written out once more."""
    z = np.random.default_rng(3).normal(size=(5, 7))
    temperature = 1.7
    answer = posterior(z, temperature=temperature, student_t=T5)
    p = special.softmax(z.mean(axis=0) / temperature)
    spread = np.std([special.logit(special.softmax(head / temperature)) for head in z], axis=0, ddof=1)
    half = T5 * spread * np.sqrt(1 + 1 / 5)
    np.testing.assert_allclose(answer.p, p, rtol=1e-12)
    np.testing.assert_allclose(answer.low, special.expit(special.logit(p) - half), rtol=1e-9)
    np.testing.assert_allclose(answer.high, special.expit(special.logit(p) + half), rtol=1e-9)
    narrower = posterior(z, temperature=temperature, student_t=T5, interval="seed")
    np.testing.assert_allclose(
        narrower.low, special.expit(special.logit(p) - T5 * spread / np.sqrt(5)), rtol=1e-9
    )


def test_interval_covers_simulated_truth() -> None:
    """Heads on bootstrap resamples: their spread around a fitted value is that of the value around truth.

    The fit lies one standard error from the truth and the five heads one standard error from the fit; the
    interval must then hold the truth in 95% of trials (dividing by √M would hold it in about 68%).
    """
    random = np.random.default_rng(4)
    truth = np.array([1.2, -1.2])
    trials, covered, covered_divided = 4000, 0, 0
    p_true = special.softmax(truth)[0]
    for _ in range(trials):
        fit = truth + np.array([0.5, -0.5]) * random.normal(scale=0.6)
        heads = fit + np.array([0.5, -0.5]) * random.normal(scale=0.6, size=(5, 1))
        answer = posterior(heads, temperature=1.0, student_t=T5)
        covered += answer.low[0] <= p_true <= answer.high[0]
        divided = posterior(heads, temperature=1.0, student_t=T5, interval="seed")
        covered_divided += divided.low[0] <= p_true <= divided.high[0]
    assert covered / trials == pytest.approx(0.95, abs=0.012)
    assert covered_divided / trials < 0.8


def test_a_spread_needs_two_heads_and_finite_logits() -> None:
    """One head, or an engine that answers NaN, is an error and no probability."""
    with pytest.raises(ValueError, match="two heads"):
        posterior(np.zeros((1, 7)), temperature=1.0, student_t=T5)
    with pytest.raises(ValueError, match="not finite"):
        posterior(np.full((5, 7), np.nan), temperature=1.0, student_t=T5)


def test_margin() -> None:
    """The largest less the second largest."""
    assert margin(np.array([0.1, 0.6, 0.3])) == pytest.approx(0.3)
