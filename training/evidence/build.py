"""Write the tables of worker/prepare/evidence, from public data and the reviewed decisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from training.evidence import decisions, names, population, raster, sources, times, weights
from worker.prepare.evidence.tables import FOLDER
from worker.record import SLUGS

Say = Callable[[str], None]


def build(folder: Path = FOLDER, *, say: Say = lambda _: None) -> None:
    """Make all tables anew; some minutes, nearly all of it for the map.

    Args:
        folder: where to write them.
        say: told what is being made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    say("the map of continents")
    _arrays(folder / "earth.npz", asdict(raster.runs(raster.survey(_sample()))))
    say("clocks, daylight and seasons")
    countries = sources.zone_countries()
    places = population.places(sources.cities(), countries)
    _arrays(folder / "times.npz", asdict(times.tabulate(places, sources.zone)))
    say("zones, countries and languages")
    by_country = weights.of_countries(places)
    tables = {
        "zones": weights.of_zones(places, sources.zone_links(), countries),
        "countries": by_country,
        "languages": weights.of_languages(sources.speakers(), by_country),
    }
    _json(folder / "places.json", {"sources": sources.versions(), **_indexed(tables)})
    say("the gazetteer")
    cities = [
        (city, continent)
        for city in sources.cities()
        if (continent := population.continent_of(city, countries)) is not None
    ]
    people = [
        max(1.0, float(sum(city.population for city, continent in cities if continent == place)))
        for place in range(len(SLUGS))
    ]
    _json(folder / "names.json", names.gather(cities, sources.countries(), sources.states()).table(people))


def _sample() -> raster.Sample:
    find, countries = sources.zone_finder(), sources.zone_countries()

    def sample(latitude: float, longitude: float) -> int:
        zone = find(latitude, longitude)
        return decisions.at(latitude, longitude, zone, None if zone is None else countries.get(zone))

    return sample


def _indexed(tables: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Each distinct row once, to three figures and at most 1, and the names by its place."""
    rows: dict[tuple[float, ...], int] = {}
    indexed: dict[str, Any] = {}
    for kind, table in tables.items():
        indexed[kind] = {}
        for name in sorted(table):
            most = max(table[name])
            if most > 0:
                row = tuple(float(f"{weight / most:.3g}") for weight in table[name])
                indexed[kind][name] = rows.setdefault(row, len(rows))
    return {"weights": [list(row) for row in rows], **indexed}


def _arrays(path: Path, arrays: dict[str, Any]) -> None:
    np.savez_compressed(path, **arrays)


def _json(path: Path, value: Any) -> None:  # noqa: ANN401 - JSON
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text.replace('],"', '],\n"').replace('},"', '},\n"') + "\n", encoding="utf-8")
