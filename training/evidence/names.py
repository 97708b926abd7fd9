"""The gazetteer: names of places that mean one continent rather than another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from training.evidence import decisions
from training.evidence.regions import COMMON, NAMESAKES, REGIONS
from training.evidence.sources import City, Country
from worker.prepare.evidence.tables import RANKS
from worker.prepare.evidence.words import plain
from worker.record import SLUGS

CITY: Final = 100_000
METROPOLIS: Final = 500_000
WORLD_CITY: Final = 1_000_000
"""Inhabitants from which a place has the next rank, and from which its names in other languages count."""

_LEAST_LETTERS: Final = 4
_FOREIGN_LETTERS: Final = 5
_NAME: Final = re.compile(r"[A-ZÀ-ÞĀ-ŽΆ-ΏА-ЯЁІЇҐ][^\d(),/=]+")
"""In scripts that have capitals; others divide no words, and transliterations begin with small letters."""

_COUNTRY_RANK: Final = 3
_DOUBTFUL: Final[dict[str, int]] = {
    "georgia": 2,
    "turkey": 1,
    "chad": 1,
    "jordan": 1,
    "guinea": 1,
    "niger": 2,
}
"""Countries whose names are also something else, and their ranks."""
_METROPOLIS_RANK: Final = 2
_STATE_RANK: Final = 2
_GEORGIA: Final = (SLUGS.index("asia"), SLUGS.index("north-america"))


class Gazetteer:
    """Names being gathered: for each the inhabitants by continent and the highest rank."""

    def __init__(self) -> None:
        self._people: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(SLUGS))
        self._ranks: dict[str, int] = defaultdict(int)
        self._fixed: set[str] = set()

    def add(self, name: str, continent: int, people: float, rank: int) -> None:
        """Add a place; a name that stands for a country or region already is left as it is."""
        key = normal(name)
        if key in self._fixed or len(key) < _LEAST_LETTERS:
            return
        if key in COMMON or (key in NAMESAKES and rank < _METROPOLIS_RANK):
            return
        if key in NAMESAKES:
            rank = 0
        self._people[key][continent] += people
        self._ranks[key] = max(self._ranks[key], rank)

    def fix(self, name: str, continents: Sequence[int], rank: int) -> None:
        """Let a name stand for these continents and no other."""
        key = normal(name)
        self._people[key] = [float(index in continents) for index in range(len(SLUGS))]
        self._ranks[key] = rank
        self._fixed.add(key)

    def table(self, people: Sequence[float]) -> dict[str, Any]:
        """The table as `worker.prepare.evidence.tables.names` reads it: P(name | continent), to hundredths.

        Args:
            people: the inhabitants of each continent, by which names are divided.
        """
        weights: dict[tuple[float, ...], int] = {}
        names: dict[str, int] = {}
        for name in sorted(self._people):
            rates = self._people[name]
            if name not in self._fixed:
                rates = [number / of for number, of in zip(rates, people, strict=True)]
            shares = tuple(round(rate / sum(rates), 2) for rate in rates)
            names[name] = weights.setdefault(shares, len(weights)) * RANKS + self._ranks[name]
        return {"weights": [list(shares) for shares in weights], "names": names}


def normal(name: str) -> str:
    """A name as captions are searched for it.

    >>> normal("Saint-Étienne"), normal("Xi'an")
    ('saint etienne', 'xi an')
    """
    return " ".join(word.casefold() for word in plain(name))


def gather(
    cities: Iterable[tuple[City, int]], countries: Iterable[Country], states: Iterable[str]
) -> Gazetteer:
    """Gather every name.

    Args:
        cities: each with the place of its continent in SLUGS.
        countries: by their English names.
        states: of the United States.
    """
    found = Gazetteer()
    for slug, names in REGIONS.items():
        for name in names.split(","):
            found.fix(name, (SLUGS.index(slug),), _COUNTRY_RANK)
    for country in countries:
        slug_of_country = decisions.of_country(country.code)
        if slug_of_country is not None:
            rank = _DOUBTFUL.get(normal(country.name), _COUNTRY_RANK)
            found.fix(country.name, (SLUGS.index(slug_of_country),), rank)
    found.fix("Georgia", _GEORGIA, _DOUBTFUL["georgia"])
    for state in states:
        if normal(state) not in {"georgia", "hawaii", "washington"}:
            found.fix(state, (SLUGS.index("north-america"),), _STATE_RANK)
    for city, continent in cities:
        rank = (city.population >= CITY) + (city.population >= METROPOLIS)
        names_of_city = {city.name}
        if city.population >= WORLD_CITY:
            names_of_city.update(
                name
                for name in city.others
                if _NAME.fullmatch(name)
                and len(normal(name)) >= _FOREIGN_LETTERS
                and normal(name) not in NAMESAKES
            )
        for key in {normal(name) for name in names_of_city}:
            found.add(key, continent, max(city.population, 1), rank)
    return found
