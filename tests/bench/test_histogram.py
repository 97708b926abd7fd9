"""The histogram against the values themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import Histogram

LATENCIES = st.lists(st.floats(min_value=1e-5, max_value=500), min_size=1, max_size=300)


@given(LATENCIES, st.sampled_from([50.0, 90.0, 99.0, 99.9, 100.0]))
def test_percentiles_are_those_of_the_values(latencies: list[float], percentile: float) -> None:
    """Every percentile is the value of that rank, within a thousandth and the microsecond of a unit."""
    histogram = Histogram()
    histogram.update(latencies)
    rank = max(1, math.ceil(round(percentile * len(latencies) / 100, 6)))
    true_ms = float(np.sort(latencies)[rank - 1]) * 1000
    assert histogram.percentile_ms(percentile) == pytest.approx(true_ms, rel=1e-3, abs=0.0021)


def test_percentiles_agree_with_numpy() -> None:
    """On many latencies, spread as real ones are, numpy's own percentiles are the same within a hundredth."""
    latencies = np.random.default_rng(3).lognormal(-3, 0.5, 50_000)
    histogram = Histogram()
    histogram.update(latencies.tolist())
    for percentile in (50, 90, 99, 99.9):
        expected = float(np.percentile(latencies, percentile)) * 1000
        assert histogram.percentile_ms(percentile) == pytest.approx(expected, rel=1e-2)


@given(LATENCIES)
def test_buckets_hold_every_value(latencies: list[float]) -> None:
    """The buckets rise, none is empty, and together they hold as many values as were counted."""
    histogram = Histogram()
    histogram.update(latencies)
    buckets = histogram.buckets_ms()
    edges = [edge for edge, _ in buckets]
    assert edges == sorted(set(edges))
    assert all(count > 0 for _, count in buckets)
    assert sum(count for _, count in buckets) == len(latencies) == histogram.count


def test_the_ends_of_the_range() -> None:
    """What is shorter than 1 µs or longer than 10 minutes is counted at the end of the range, not dropped."""
    histogram = Histogram()
    histogram.update([0.0, 3_600.0])
    assert histogram.count == 2
    assert histogram.percentile_ms(100) == pytest.approx(600_000, rel=1e-3)
    assert Histogram().percentile_ms(99) == 0.0
