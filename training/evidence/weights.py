"""What zones, countries and languages say: P(value | continent) for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from training.evidence import decisions
from training.evidence.population import Place, with_visitors
from worker.record import SLUGS

Weights = list[float]

_SMALLEST: Final = 1e-6
"""The weight of a zone in which no place is listed, on its continent."""

_SAYING_NOTHING: Final = ("Etc/", "GMT", "UTC", "UCT", "Zulu", "Universal", "Greenwich", "Factory")
_MISLINKED: Final = {"Iceland": "Atlantic/Reykjavik"}
"""Names whose link goes to a zone with the same clock on another continent."""


def of_countries(places: Sequence[Place]) -> dict[str, Weights]:
    """P(country | continent) by ISO 3166 code; a country of two continents has weight on both."""
    table: dict[str, Weights] = defaultdict(_none)
    for place in places:
        table[place.country][place.continent] += place.weight
    for slug, codes in decisions.COUNTRIES.items():
        for code in codes.split():
            if code not in table:
                table[code][SLUGS.index(slug)] = _SMALLEST
    return {code: with_visitors(weights) for code, weights in table.items()}


def of_zones(
    places: Sequence[Place], links: Mapping[str, str], countries: Mapping[str, str]
) -> dict[str, Weights]:
    """P(zone | continent) by name, in lower case: every name of the tz database that is somewhere.

    Args:
        places: weighted.
        links: every name → the one it stands for.
        countries: zone → ISO 3166 code, by zone.tab.
    """
    counted: dict[str, Weights] = defaultdict(_none)
    for place in places:
        counted[place.zone][place.continent] += place.weight
    table: dict[str, Weights] = {}
    for name, target in links.items():
        if name.startswith(_SAYING_NOTHING) or target.startswith("Etc/"):
            continue
        own = _MISLINKED.get(name, name)
        weights = (
            counted.get(own)
            or _alone(own, countries.get(own))
            or counted.get(target)
            or _alone(target, countries.get(target))
        )
        if weights is not None:
            table[name.lower()] = with_visitors(weights)
    return table


def _alone(zone: str, country: str | None) -> Weights | None:
    slug = decisions.of_zone(zone, country)
    if slug is None:
        return None
    weights = _none()
    weights[SLUGS.index(slug)] = _SMALLEST
    return weights


def of_languages(
    speakers: Mapping[tuple[str, str], float], countries: Mapping[str, Weights]
) -> dict[str, Weights]:
    """P(language | continent): in each country languages share the photos as they share the speakers.

    Args:
        speakers: (language, ISO 3166 code) → how many; second languages count too.
        countries: P(country | continent).
    """
    everyone: dict[str, float] = defaultdict(float)
    for (_, country), number in speakers.items():
        everyone[country] += number
    table: dict[str, Weights] = defaultdict(_none)
    for (language, country), number in speakers.items():
        for place, weight in enumerate(countries.get(country, ())):
            table[language][place] += weight * number / everyone[country]
    return {language: [round(weight, 9) for weight in weights] for language, weights in table.items()}


def _none() -> Weights:
    return [0.0] * len(SLUGS)
