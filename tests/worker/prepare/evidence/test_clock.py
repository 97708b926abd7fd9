"""Offsets from UTC → continents: golden rows, the calendar, what is doubted."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.prepare.evidence.photographed import NOON
from worker.prepare.evidence import tables
from worker.prepare.evidence.clock import half_month, of_offset, read
from worker.record import SLUGS, Stream

JANUARY = datetime(2024, 1, 10, 12)  # noqa: DTZ001 - a camera's local time
JULY = datetime(2024, 7, 10, 12)  # noqa: DTZ001 - likewise


def likeliest(stream: Stream | None) -> str:
    """The continent for which the evidence speaks most."""
    assert stream is not None
    return SLUGS[stream.likelihood.index(max(stream.likelihood))]


@pytest.mark.parametrize(
    ("minutes", "slug"),
    [
        (330, "asia"),
        (345, "asia"),
        (540, "asia"),
        (-180, "south-america"),
        (-480, "north-america"),
        (-210, "north-america"),
        (-600, "oceania"),
        (720, "oceania"),
        (840, "oceania"),
    ],
)
def test_offsets_tell_continents(minutes: int, slug: str) -> None:
    """India, Nepal, Japan, Brazil, California, Newfoundland, Hawaii, New Zealand and Kiribati in January."""
    assert likeliest(of_offset(minutes, JANUARY, 1.0)) == slug


def test_summer_time_moves_the_evidence() -> None:
    """An hour ahead of UTC is Europe in winter, and Africa more than Europe in summer."""
    assert likeliest(of_offset(60, JANUARY, 1.0)) == "europe"
    assert likeliest(of_offset(60, JULY, 1.0)) == "africa"


def test_impossible_offsets_say_nothing() -> None:
    """Beyond every clock, between the quarters, and none at all."""
    for minutes in (14 * 60 + 15, -12 * 60 - 15, 7, 10**9):
        assert of_offset(minutes, NOON, 1.0) is None
        assert read(minutes, NOON, None) is None
    assert read(None, NOON, None) is None
    assert read(None, None, NOON) is None


def test_an_offset_that_nobody_has_is_even() -> None:
    """11:45 ahead: possible, kept nowhere, so that it speaks for no continent."""
    stream = of_offset(11 * 60 + 45, NOON, 1.0)
    assert stream is not None
    assert stream.likelihood == pytest.approx([1 / 7] * 7)


@pytest.mark.parametrize("drift", [-120, -30, 0, 30, 120])
def test_the_receiver_tells_the_offset_that_the_camera_does_not(drift: int) -> None:
    """Local time minus UTC, to the nearest quarter: the same stream as when stated, a little less trusted."""
    measured = read(None, JANUARY, JANUARY - timedelta(hours=5, minutes=30, seconds=drift))
    stated = read(330, JANUARY, None)
    assert measured is not None
    assert stated is not None
    assert measured.likelihood == stated.likelihood
    assert measured.quality < stated.quality


def test_a_clock_that_drifts_is_trusted_less_and_then_not_at_all() -> None:
    """Two minutes are a moment between fix and shutter, four a doubt, seven no offset."""
    qualities = []
    for minutes in (1, 4, 7):
        found = read(None, JANUARY, JANUARY - timedelta(hours=2, minutes=minutes))
        qualities.append(0.0 if found is None else found.quality)
    assert qualities[0] > qualities[1] > qualities[2] == 0


def test_a_camera_that_contradicts_its_receiver_is_doubted() -> None:
    """Stated one thing, measured another."""
    plain, doubted = read(120, NOON, None), read(120, NOON, NOON - timedelta(hours=8))
    assert plain is not None
    assert doubted is not None
    assert doubted.quality < plain.quality / 2


def test_plus_zero_is_what_programs_write() -> None:
    """It is believed half as much as another offset."""
    zero, one = read(0, JANUARY, None), read(60, JANUARY, None)
    assert zero is not None
    assert one is not None
    assert zero.quality == one.quality / 2


@given(st.datetimes())
def test_half_months(day: datetime) -> None:
    """24 of them, two a month, rising through the year."""
    assert 0 <= half_month(day) < 24
    assert half_month(day) // 2 == day.month - 1
    assert half_month(day) >= half_month(day.replace(month=1, day=1))


def test_the_table_is_a_distribution() -> None:
    """P(offset | continent, half month) sums to 1 over offsets."""
    table = tables.times().offset
    assert table.shape == (24, 105, 7)
    assert table.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert table.min() >= 0
