"""Where photos may have been taken: places with weights, each continent's summing to 1.

Photos are spread less unevenly than people, so that a place counts by the square root of its inhabitants
(assumed; docs/evidence.md measures it against the positions of public photos).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from training.evidence import decisions
from training.evidence.sources import City
from worker.record import SLUGS

EXPONENT: Final = 0.5
ANTARCTICA: Final = SLUGS.index("antarctica")
VISITORS: Final = 0.5
"""The share of Antarctica's photos whose devices are still set as at home: nobody is from there."""

STATIONS: Final[tuple[tuple[str, float, float, float], ...]] = (
    ("Antarctica/Palmer", -64.8, -64.1, 0.45),
    ("Antarctica/Rothera", -67.6, -68.1, 0.10),
    ("Antarctica/McMurdo", -77.8, 166.7, 0.15),
    ("Antarctica/Syowa", -69.0, 39.6, 0.05),
    ("Antarctica/Troll", -72.0, 2.5, 0.05),
    ("Antarctica/Mawson", -67.6, 62.9, 0.05),
    ("Antarctica/Davis", -68.6, 78.0, 0.05),
    ("Antarctica/Casey", -66.3, 110.5, 0.03),
    ("Antarctica/DumontDUrville", -66.7, 140.0, 0.04),
    ("Antarctica/Vostok", -78.5, 106.8, 0.03),
)
"""(zone, latitude, longitude, share): most who go there go to the Peninsula, at the zone of its ships."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere with a weight within its continent; `continent` is a place in SLUGS, positions in degrees."""

    continent: int
    country: str
    zone: str
    latitude: float
    longitude: float
    weight: float


def places(cities: Iterable[City], zone_countries: Mapping[str, str]) -> list[Place]:
    """Every city by its continent, and Antarctica's stations; the weights of each continent sum to 1."""
    found = [
        Place(continent=ANTARCTICA, country="AQ", zone=zone, latitude=north, longitude=east, weight=share)
        for zone, north, east, share in STATIONS
    ]
    for city in cities:
        continent = continent_of(city, zone_countries)
        if continent is not None and continent != ANTARCTICA:
            found.append(
                Place(
                    continent=continent,
                    country=city.country,
                    zone=city.zone,
                    latitude=city.latitude,
                    longitude=city.longitude,
                    weight=max(city.population, 1) ** EXPONENT,
                )
            )
    totals = [sum(place.weight for place in found if place.continent == c) for c in range(len(SLUGS))]
    return [replace(place, weight=place.weight / totals[place.continent]) for place in found]


def continent_of(city: City, zone_countries: Mapping[str, str]) -> int | None:
    """The place in SLUGS of a city's continent; its own country counts where its zone is in no table."""
    country = zone_countries.get(city.zone, city.country)
    code = decisions.at(city.latitude, city.longitude, city.zone, country)
    return code - 1 if code else None


def with_visitors(weights: Sequence[float]) -> list[float]:
    """P(value | continent) with Antarctica's visitors, who bring the values of everywhere else.

    >>> with_visitors([0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    [0.6, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    others = [weight for index, weight in enumerate(weights) if index != ANTARCTICA]
    mixed = list(weights)
    mixed[ANTARCTICA] = (1 - VISITORS) * weights[ANTARCTICA] + VISITORS * sum(others) / len(others)
    return [round(weight, 9) for weight in mixed]
