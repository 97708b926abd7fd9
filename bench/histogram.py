"""Latencies as an HDR histogram: 1 µs to 10 minutes, three significant digits.

Source: Gil Tene's HdrHistogram, in its Python port `hdrh`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 600_000_000
DIGITS = 3


class Histogram:
    """Counts of latencies; what is longer than 10 minutes counts as 10 minutes.

    >>> histogram = Histogram()
    >>> histogram.update([0.010, 0.020, 0.400])
    >>> histogram.percentile_ms(50), histogram.count
    (20.015, 3)
    >>> histogram.percentile_ms(100)
    400.0
    """

    def __init__(self) -> None:
        self._counts = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
        self._longest_us = 0

    def update(self, seconds: Iterable[float]) -> None:
        """Count latencies, in seconds."""
        for value in seconds:
            latency_us = min(HIGHEST_US, max(LOWEST_US, round(value * 1e6)))
            self._counts.record_value(latency_us)
            self._longest_us = max(self._longest_us, latency_us)

    @property
    def count(self) -> int:
        """How many were counted."""
        return int(self._counts.get_total_count())

    def percentile_ms(self, percentile: float) -> float:
        """Return the latency that so many percent (0–100) do not exceed, in ms; 0.0 when nothing was counted.

        It is the upper edge of its bucket, at most a thousandth above the latency itself, and never more
        than the longest latency. Not hdrh's own, which rounds the rank: a hair fewer would not exceed it.
        """
        rank, seen = math.ceil(round(percentile / 100 * self.count, 6)), 0
        for edge_ms, count in self.buckets_ms():
            seen += count
            if seen >= rank:
                return min(edge_ms, self._longest_us / 1000)
        return 0.0

    def buckets_ms(self) -> tuple[tuple[float, int], ...]:
        """Return every bucket that is not empty as (its upper edge in ms, count), rising."""
        return tuple(
            (
                self._counts.get_highest_equivalent_value(each.value_iterated_to) / 1000,
                each.count_added_in_this_iter_step,
            )
            for each in self._counts.get_recorded_iterator()
        )
