"""What clocks and calendars say: offsets from UTC, daylight and seasons, by continent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import numpy as np
import numpy.typing as npt

from training.evidence.population import ANTARCTICA, VISITORS, Place
from worker.prepare.evidence.tables import (
    HALF_HOURS,
    HALF_MONTHS,
    LEAST_OFFSET,
    OFFSET_STEP,
    OFFSETS,
    Times,
)
from worker.record import SLUGS

YEARS: Final = range(2012, 2027)
"""Photos of these years are expected; rules of daylight saving have changed within them."""

SUMMER_SHARE: Final = 0.15
"""How many more photos than on average are taken in the middle of summer (assumed)."""
ANTARCTIC_MONTHS: Final = (5.0, 4.0, 1.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 2.0, 5.0)
"""Antarctica's photos by month from January, up to a factor (assumed: ships sail from November to March)."""

SUNRISE: Final = -0.833
"""Degrees: the elevation of the sun's centre when its rim, refracted, touches the horizon."""

_GRID: Final = 5.0
"""Degrees: places closer together than this share a sun."""


Zones = Callable[[str], tzinfo]
"""The rules of a time zone by its name."""


def tabulate(places: Sequence[Place], zones: Zones) -> Times:
    """Make the three tables; P(· | continent) of places with the weights given."""
    return Times(
        offset=_offsets(places, zones).astype(np.float32),
        daylight=_daylight(places, zones).astype(np.float32),
        season=_season(places).astype(np.float32),
    )


def middle(year: int, half_month: int) -> datetime:
    """Noon UTC in the middle of a half month, 0–23.

    >>> middle(2026, 0), middle(2026, 23)
    (datetime.datetime(2026, 1, 8, 12, 0, tzinfo=datetime.timezone.utc), \
datetime.datetime(2026, 12, 23, 12, 0, tzinfo=datetime.timezone.utc))
    """
    return datetime(year, half_month // 2 + 1, 23 if half_month % 2 else 8, 12, tzinfo=UTC)


def offset(zone: tzinfo, moment: datetime) -> int:
    """Minutes east of UTC that clocks of the zone showed at a moment, to the nearest quarter of an hour."""
    minutes = (zone.utcoffset(moment.astimezone(zone)) or _NOTHING).total_seconds() / 60
    return round(minutes / OFFSET_STEP) * OFFSET_STEP


_NOTHING: Final = timedelta(0)


def _offsets(places: Sequence[Place], zones: Zones) -> npt.NDArray[np.float64]:
    by_zone: dict[tuple[str, int], float] = defaultdict(float)
    for place in places:
        by_zone[place.zone, place.continent] += place.weight
    table = np.zeros((HALF_MONTHS, OFFSETS, len(SLUGS)))
    for (name, continent), weight in by_zone.items():
        zone = zones(name)
        for half in range(HALF_MONTHS):
            for year in YEARS:
                slot = (offset(zone, middle(year, half)) - LEAST_OFFSET) // OFFSET_STEP
                table[half, slot, continent] += weight / len(YEARS)
    others = np.delete(table, ANTARCTICA, axis=2).mean(axis=2)
    table[..., ANTARCTICA] = (1 - VISITORS) * table[..., ANTARCTICA] + VISITORS * others
    return table


Degrees = npt.NDArray[np.float64]


def elevation(latitude: Degrees, longitude: Degrees, day: int, utc_hour: npt.NDArray[np.float64]) -> Degrees:
    """The sun's elevation in degrees, to about two: no equation of time, a circular orbit.

    Args:
        latitude: degrees, of any shape that broadcasts with the hour.
        longitude: degrees, likewise.
        day: of the year, 1–365.
        utc_hour: hours since midnight UTC.
    """
    declination = np.radians(-23.44 * np.cos(2 * np.pi * (day + 10) / 365))
    angle = np.radians(15 * (utc_hour - 12) + longitude)
    phi = np.radians(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    height: Degrees = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    return height


def _daylight(places: Sequence[Place], zones: Zones) -> npt.NDArray[np.float64]:
    suns: dict[tuple[str, int, float, float], float] = defaultdict(float)
    for place in places:
        cell = round(place.latitude / _GRID) * _GRID, round(place.longitude / _GRID) * _GRID
        suns[place.zone, place.continent, *cell] += place.weight
    keys = list(suns)
    weights = np.array([suns[key] for key in keys])
    continents = np.array([key[1] for key in keys])
    latitude = np.array([key[2] for key in keys])[:, None]
    longitude = np.array([key[3] for key in keys])[:, None]
    local = (np.arange(HALF_HOURS) + 0.5) / 2
    table = np.zeros((HALF_MONTHS, HALF_HOURS, len(SLUGS)))
    for half in range(HALF_MONTHS):
        moment = middle(YEARS[-1], half)
        ahead = np.array([offset(zones(key[0]), moment) / 60 for key in keys])[:, None]
        up = elevation(latitude, longitude, moment.timetuple().tm_yday, local - ahead) > SUNRISE
        for continent in range(len(SLUGS)):
            of = continents == continent
            table[half, :, continent] = weights[of] @ up[of]
    return np.clip(table, 0, 1)


def _season(places: Sequence[Place]) -> npt.NDArray[np.float64]:
    north = np.zeros(len(SLUGS))
    for place in places:
        # Between the tropics there is no summer.
        north[place.continent] += place.weight * np.sin(np.radians(place.latitude)) * 2
    days = np.array([middle(YEARS[-1], half).timetuple().tm_yday for half in range(HALF_MONTHS)])
    table = 1 + SUMMER_SHARE * np.clip(north, -1, 1) * np.cos(2 * np.pi * (days[:, None] - 196) / 365)
    table[:, ANTARCTICA] = np.repeat(ANTARCTIC_MONTHS, 2)
    shares: npt.NDArray[np.float64] = table / table.sum(axis=0)
    return shares
