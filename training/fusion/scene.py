"""A photo being taken: where, when, in what light, by somebody who lives somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, pi, radians, sin
from typing import Final

import numpy as np

from training.fusion.world import Position, Region, shares

YEARS: Final = range(2015, 2026)
INDOORS: Final = 0.3

CAMERAS: Final = (
    ("Canon", "Canon EOS Kiss X7", (2,)),
    ("Canon", "Canon EOS REBEL T7i", (4,)),
    ("Canon", "Canon EOS 800D", (0, 2, 3, 5)),
    ("samsung", "SM-G991U", (4,)),
    ("samsung", "SM-G991N", (2,)),
    ("samsung", "SM-G991B", (0, 3, 5, 6)),
    ("TECNO", "TECNO KD7", (0,)),
    ("OPPO", "CPH2127", (2,)),
    ("motorola", "moto g(7) power", (4, 6)),
    ("Apple", "iPhone 12", (0, 1, 2, 3, 4, 5, 6)),
    ("NIKON CORPORATION", "NIKON D750", (0, 1, 2, 3, 4, 5, 6)),
    ("SONY", "ILCE-7M3", (0, 1, 2, 3, 4, 5, 6)),
)
"""Makes, models and the continents, indices of SLUGS, where that version is sold: assumed, not surveyed."""

ELSEWHERE: Final = 0.1
"""The weight of a camera outside its markets, beside 1 within."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a photo is taken and where its taker lives; `utc` when."""

    place: Region
    position: Position
    city: str
    home: Region
    utc: datetime

    @property
    def month(self) -> int:
        """The month, 1–12, by which offsets go."""
        return self.utc.month

    def local(self, region: Region) -> datetime:
        """The moment by the clocks of a region."""
        return self.utc + timedelta(minutes=region.offset(self.month))


def moment(rng: np.random.Generator, place: Region) -> datetime:
    """A moment, UTC, mostly during the day by the place's clocks."""
    first = datetime(int(rng.choice(YEARS)), 1, 1)  # noqa: DTZ001 - zones are counted in minutes here
    day = first + timedelta(days=float(rng.integers(365)))
    hour = float(np.clip(rng.normal(13.5, 4.0), 0, 23.9))
    local = day + timedelta(seconds=round(hour * 3600))
    return local - timedelta(minutes=place.offset(day.month))


def spot(rng: np.random.Generator, place: Region) -> tuple[Position, str]:
    """A position in a region, one of the gallery's where it has one, and the name of a city there if any."""
    city = place.cities[int(rng.integers(len(place.cities)))] if place.cities else None
    if place.spots and (city is None or rng.random() < 0.5):  # noqa: PLR2004 - as often as not
        return place.spots[int(rng.integers(len(place.spots)))], city.name if city else ""
    return (city.position, city.name) if city else ((0.0, 0.0), "")


def exposure(rng: np.random.Generator, scene: Scene) -> float:
    """An exposure value at ISO 100: open daylight, the night, or a room."""
    if rng.random() < INDOORS:
        return float(rng.normal(5.0, 1.5))
    return (
        float(rng.normal(13.5, 1.5)) if sun_is_up(scene.position, scene.utc) else float(rng.normal(3.0, 2.0))
    )


def sun_is_up(position: Position, utc: datetime) -> bool:
    """Whether the sun stands above the horizon, to a degree or two (Cooper, 1969, for the declination).

    >>> sun_is_up((51.5, 0.0), datetime(2025, 6, 21, 12)), sun_is_up((51.5, 0.0), datetime(2025, 6, 21, 0))
    (True, False)
    """
    latitude, longitude = map(radians, position)
    tilt = radians(-23.44) * cos(2 * pi * (utc.timetuple().tm_yday + 10) / 365.25)
    hour = utc.hour + utc.minute / 60
    angle = (hour - 12) / 12 * pi + longitude
    return sin(latitude) * sin(tilt) + cos(latitude) * cos(tilt) * cos(angle) > 0


def camera(rng: np.random.Generator, home: Region) -> tuple[str, str]:
    """Make and model of a camera bought where somebody lives."""
    weights = [1.0 if home.continent in markets else ELSEWHERE for _, _, markets in CAMERAS]
    make, model, _ = CAMERAS[int(rng.choice(len(CAMERAS), p=shares(weights)))]
    return make, model
