"""Dates and light → continents: seasons, the sun, clocks that were never set."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.worker.prepare.evidence.photographed import NOW
from worker.prepare.evidence import tables
from worker.prepare.evidence.season import read
from worker.record import SLUGS


def likelihood(when: str, exposure: float | None = None, brightness: float | None = None) -> dict[str, float]:
    """What a date and the light say, by slug."""
    stream = read(datetime.fromisoformat(when), exposure, brightness, NOW)
    assert stream is not None
    return dict(zip(SLUGS, stream.likelihood, strict=True))


def test_antarctica_is_visited_in_its_summer() -> None:
    """January speaks for it, July against it."""
    assert max(likelihood("2024-01-10T12:00"), key=likelihood("2024-01-10T12:00").__getitem__) == "antarctica"
    assert min(likelihood("2024-07-10T12:00"), key=likelihood("2024-07-10T12:00").__getitem__) == "antarctica"


def test_summer_is_where_it_is() -> None:
    """July speaks a little for the north, January for the south."""
    july, january = likelihood("2024-07-10T12:00"), likelihood("2024-01-10T12:00")
    assert july["europe"] > july["oceania"]
    assert january["oceania"] > january["europe"]


def test_sunshine_at_half_past_ten_is_the_north_in_june() -> None:
    """Open daylight at 22:30 on the longest day: in Europe the sun is up longest by the clock."""
    late = likelihood("2024-06-20T22:30", 13.0)
    assert max(late, key=late.__getitem__) == "europe"
    assert late["europe"] > 2 * late["south-america"]


def test_a_dark_afternoon_is_the_north_in_december() -> None:
    """Night at half past five speaks against the south; the same light at noon says hardly anything."""
    dusk = likelihood("2024-12-20T17:30", 1.0)
    assert dusk["europe"] > 3 * dusk["oceania"]


def test_pixels_count_less_than_the_exposure() -> None:
    """Cameras expose for an even grey: the same hint in the same direction, but weaker."""
    plain = likelihood("2024-12-20T17:30")
    pixels = likelihood("2024-12-20T17:30", brightness=0.1)
    exposed = likelihood("2024-12-20T17:30", exposure=1.0, brightness=0.1)
    ratios = [each["europe"] / each["oceania"] for each in (plain, pixels, exposed)]
    assert ratios == sorted(ratios)
    assert len(set(ratios)) == 3


@pytest.mark.parametrize(
    "when",
    ["2027-01-02T12:00", "1980-05-05T12:00", "2000-01-01T00:00", "2016-01-01T00:12", "9999-12-31T23:59"],
)
def test_clocks_that_were_never_set(when: str) -> None:
    """The future, the time before digital cameras, and the first hour of a year say nothing."""
    assert read(datetime.fromisoformat(when), None, None, NOW) is None


def test_a_day_ahead_is_another_time_zone() -> None:
    """Local time runs up to 14 hours ahead of UTC: that is not the future."""
    ahead = datetime.fromtimestamp(NOW + 20 * 3600)  # noqa: DTZ006 - local on purpose
    assert read(ahead, None, None, NOW) is not None


def test_the_tables_are_distributions() -> None:
    """Seasons sum to 1 over the year; daylight is a share, whole at noon on the equator's continents."""
    table = tables.times()
    assert table.season.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert 0 <= table.daylight.min() <= table.daylight.max() <= 1
    noon, midnight = table.daylight[:, 25, SLUGS.index("africa")], table.daylight[:, 1, SLUGS.index("africa")]
    assert noon.min() > 0.99
    assert midnight.max() < 0.01


def test_the_midnight_sun_shines_on_antarctica() -> None:
    """At midnight in the last half of December for most who are there, and never in June."""
    antarctica = tables.times().daylight[:, 0, SLUGS.index("antarctica")]
    assert antarctica[23] > 0.4
    assert antarctica[11] == 0
