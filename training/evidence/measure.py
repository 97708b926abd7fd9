"""How good the tables are where photos are really taken: against their source, and as evidence."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from training.evidence import decisions, sources, times
from worker.errors import Refuse
from worker.prepare.evidence import clock, timezone
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS, Stream

Position = tuple[float, float]
"""Latitude and longitude in degrees."""

_DAYS: Final = 366
_YEAR: Final = 2024


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`n` positions, of which `on_land` (coastal waters included) have a continent.

    `agreement` is the share where the map of cells says what its source says. `clock_bits` and `zone_bits`
    are how much, on average over the positions of each continent and then over continents, a true offset and
    a true zone tell: log2(7 · likelihood of the true continent), 0 for nothing, 2.81 for everything.
    `clock_top1` and `zone_top1` are the shares, likewise averaged, where the likelihood is highest there.
    """

    n: int
    on_land: int
    agreement: float
    clock_bits: float
    clock_top1: float
    zone_bits: float
    zone_top1: float


def read_positions(path: Path) -> list[Position]:
    """Read the columns latitude and longitude (or LAT and LON) of a CSV.

    Raises:
        Refuse: there are no such columns, or something in them is no number.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {(key or "").lower()[:3]: value for key, value in row.items()} for row in csv.DictReader(file)
        ]
    try:
        return [(float(row["lat"]), float(row["lon"])) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise Refuse(
            "The file must have the columns latitude and longitude, in degrees.", exit_code=2
        ) from None


def measure(positions: Sequence[Position], *, seed: int = 0) -> Figures:
    """Measure the tables at these positions; the day of each is drawn evenly from one year."""
    find, countries = sources.zone_finder(), sources.zone_countries()
    days = np.random.default_rng(seed).integers(0, _DAYS, len(positions)).tolist()
    agreeing = 0
    told: dict[str, list[list[tuple[float, bool]]]] = {
        name: [[] for _ in SLUGS] for name in ("clock", "zone")
    }
    for (latitude, longitude), day in zip(positions, days, strict=True):
        zone = find(latitude, longitude)
        code = decisions.at(latitude, longitude, zone, None if zone is None else countries.get(zone))
        slug = SLUGS[code - 1] if code else None
        agreeing += continent(latitude, longitude) == slug
        if slug is None or zone is None:
            continue
        moment = datetime.fromtimestamp(datetime(_YEAR, 1, 1, 12, tzinfo=UTC).timestamp() + day * 86_400, UTC)
        local = moment.replace(tzinfo=None)
        streams = {
            "clock": clock.of_offset(times.offset(sources.zone(zone), moment), local, 1.0),
            "zone": timezone.read(zone, local),
        }
        for name, stream in streams.items():
            told[name][code - 1].append(_told(stream, code - 1))
    return Figures(
        n=len(positions),
        on_land=sum(len(of) for of in told["clock"]),
        agreement=agreeing / len(positions),
        clock_bits=_macro(told["clock"], lambda each: each[0]),
        clock_top1=_macro(told["clock"], lambda each: each[1]),
        zone_bits=_macro(told["zone"], lambda each: each[0]),
        zone_top1=_macro(told["zone"], lambda each: each[1]),
    )


def _told(stream: Stream | None, truth: int) -> tuple[float, bool]:
    if stream is None:
        return 0.0, False
    best = max(stream.likelihood)
    return math.log2(len(SLUGS) * stream.likelihood[truth]), stream.likelihood[truth] == best


def _macro(
    told: Sequence[Sequence[tuple[float, bool]]], part: Callable[[tuple[float, bool]], float]
) -> float:
    return float(np.mean([np.mean([part(each) for each in of]) for of in told if of]))
