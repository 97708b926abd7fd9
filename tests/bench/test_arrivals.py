"""When photos are due: laws of a drawn Poisson process."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.arrivals import intended, partitions

RATES = st.floats(min_value=0.5, max_value=500)
SECONDS = st.floats(min_value=0.1, max_value=20)
SEEDS = st.integers(min_value=0, max_value=2**32)


@given(RATES, SECONDS, SEEDS)
def test_moments_rise_within_the_run(rate: float, seconds: float, seed: int) -> None:
    """Every photo is due within the run, and none before the one in front of it."""
    due = intended(rate, seconds, seed)
    assert np.all(np.diff(due) >= 0)
    assert np.all((due >= 0) & (due < seconds))


@given(RATES, SECONDS, SECONDS, SEEDS)
def test_a_longer_run_begins_with_the_shorter(rate: float, one: float, more: float, seed: int) -> None:
    """How long a run lasts changes nothing of what is sent until then."""
    short, long = intended(rate, one, seed), intended(rate, one + more, seed)
    assert np.array_equal(short, long[: len(short)])
    assert np.all(long[len(short) :] >= one)


@given(st.floats(min_value=20, max_value=500), st.floats(min_value=20, max_value=50), SEEDS)
def test_as_many_as_the_rate_says(rate: float, seconds: float, seed: int) -> None:
    """The number of photos is the rate's, within seven standard deviations of a Poisson count."""
    expected = rate * seconds
    assert abs(len(intended(rate, seconds, seed)) - expected) < 7 * expected**0.5


def test_gaps_are_exponential() -> None:
    """The gaps have the exponential distribution's median, mean and spread, not those of a metronome."""
    gaps = np.diff(intended(100, 1_000, seed=5)) * 100
    assert abs(np.mean(gaps) - 1) < 0.02
    assert abs(np.std(gaps) - 1) < 0.02
    assert abs(np.median(gaps) - np.log(2)) < 0.02


def test_the_first_draw_may_be_too_short() -> None:
    """Where the first draw ends before the run does, more is drawn: no run goes quiet towards its end."""
    # At so low an expectation one photo is drawn at first, and now and then there are two.
    several = [seed for seed in range(10_000) if len(intended(0.025, 1, seed)) > 1]
    assert several
    for seed in several:
        due = intended(0.025, 1, seed)
        assert np.array_equal(due, intended(0.025, 100, seed)[: len(due)])


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=16), SEEDS)
def test_photos_go_round_the_partitions(count: int, width: int, seed: int) -> None:
    """In turn every partition gets as many, give or take one; at random every one lies in range."""
    counts = np.bincount(partitions(count, width), minlength=width)
    assert counts.max() - counts.min() <= 1
    drawn = partitions(count, width, seed=seed)
    assert len(drawn) == count
    assert np.all((drawn >= 0) & (drawn < width))
