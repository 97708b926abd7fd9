"""The tables that the streams look things up in; built by training/evidence, read once a process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FOLDER: Final = Path(__file__).resolve().parent / "tables"

EARTH_STEP: Final = 0.025
"""Degrees: the side of a cell of the map of continents, 2.8 km from north to south."""

HALF_MONTHS: Final = 24
OFFSET_STEP: Final = 15
"""Minutes between neighbouring time-zone offsets."""
LEAST_OFFSET: Final = -12 * 60
OFFSETS: Final = (14 * 60 - LEAST_OFFSET) // OFFSET_STEP + 1
HALF_HOURS: Final = 48

Weights = tuple[float, ...]
"""P(evidence | continent) up to a factor, in the order of SLUGS."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earth:
    """Which continent each cell of the globe belongs to, as runs of cells from west to east, row by row.

    `starts` uint32 (rows + 1,): where each row's runs begin, northernmost row first; `columns` uint16
    (runs,): the first cell of each run; `codes` uint8 (runs,): 0 for the open sea, else 1 + the place in
    SLUGS.
    """

    starts: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.uint16]
    codes: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a time says: each float32, the last axis in the order of SLUGS.

    `offset` (24, 105, 7): P(time-zone offset | continent, half month); `daylight` (24, 48, 7): P(the sun
    is up | continent, half month, half hour of the local clock); `season` (24, 7): P(half month |
    continent).
    """

    offset: Floats
    daylight: Floats
    season: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Weights by time zone (lower case), country (ISO 3166) and language (ISO 639)."""

    zones: Mapping[str, Weights]
    countries: Mapping[str, Weights]
    languages: Mapping[str, Weights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The gazetteer: plain words → (place in `weights`, rank 0–3); `longest` names by their first word.

    Rank 0 is a town, 1 a city of 100,000, 2 one of 500,000 or a state, 3 a country or a continent.
    """

    weights: tuple[Weights, ...]
    names: Mapping[str, tuple[int, int]]
    longest: Mapping[str, int]


@cache
def earth() -> Earth:
    """The map of continents."""
    return Earth(**_arrays("earth.npz"))


@cache
def times() -> Times:
    """The tables of offsets, daylight and seasons."""
    return Times(**_arrays("times.npz"))


@cache
def places() -> Places:
    """The weights of zones, countries and languages."""
    raw = _json("places.json")
    weights = [tuple(row) for row in raw["weights"]]
    return Places(
        **{
            kind: {name: weights[place] for name, place in raw[kind].items()}
            for kind in ("zones", "countries", "languages")
        }
    )


RANKS: Final = 4


@cache
def names() -> Names:
    """The gazetteer of place names."""
    raw = _json("names.json")
    found: dict[str, tuple[int, int]] = {}
    longest: dict[str, int] = {}
    for name, code in raw["names"].items():
        found[name] = divmod(code, RANKS)
        first, count = name.partition(" ")[0], name.count(" ") + 1
        longest[first] = max(count, longest.get(first, 0))
    return Names(weights=tuple(tuple(row) for row in raw["weights"]), names=found, longest=longest)


def load() -> None:
    """Read all tables now, so that no photo waits for them; a tenth of a second."""
    for table in (earth, times, places, names):
        table()


def _arrays(name: str) -> dict[str, Any]:
    with np.load(FOLDER / name, allow_pickle=False) as file:
        return dict(file)


def _json(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((FOLDER / name).read_bytes())
