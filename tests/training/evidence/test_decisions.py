"""The reviewed decisions: complete, without contradictions, and where their lines run."""

from __future__ import annotations

from collections import Counter

import pytest

from training.evidence import decisions
from worker.prepare.evidence import tables
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS


def test_every_country_has_one_continent() -> None:
    """No code twice, all of them two capitals, and those that other tables lack are there."""
    codes = Counter(code for codes in decisions.COUNTRIES.values() for code in codes.split())
    assert set(decisions.COUNTRIES) == set(SLUGS)
    assert {code for code, count in codes.items() if count != 1} == set()
    assert all(len(code) == 2 and code.isupper() for code in codes)
    assert {"NA", "AQ", "TF", "EH", "VA", "XK", "TW", "PS"} <= set(codes)
    # ISO 3166 has 249, and Kosovo has a code of its own making.
    assert len(codes) == 250


@pytest.mark.parametrize(
    ("code", "slug"),
    [
        ("RU", "europe"),
        ("TR", "asia"),
        ("EG", "africa"),
        ("KZ", "asia"),
        ("CY", "asia"),
        ("GE", "asia"),
        ("AM", "asia"),
        ("AZ", "asia"),
        ("AQ", "antarctica"),
        ("GS", "south-america"),
        ("TL", "asia"),
        ("TT", "north-america"),
    ],
)
def test_countries_on_the_edge(code: str, slug: str) -> None:
    """As the standard has it."""
    assert decisions.of_country(code) == slug


@pytest.mark.parametrize("name", [ring[0] for ring in decisions.RINGS])
def test_rings_close_and_lie_on_the_globe(name: str) -> None:
    """Each is a polygon of the zone that it divides, for a continent that is not the zone's own."""
    zone, slug, ring = next(each for each in decisions.RINGS if each[0] == name)
    country = {"Europe/Istanbul": "TR", "Africa/Cairo": "EG", "Asia/Yekaterinburg": "RU"}[zone]
    assert slug != decisions.of_zone(zone, country)
    assert len(set(ring)) == len(ring) >= 4
    assert all(-90 <= latitude <= 90 and -180 <= longitude <= 180 for latitude, longitude in ring)


@pytest.mark.parametrize(
    ("zone", "country", "latitude", "longitude", "slug"),
    [
        ("Europe/Istanbul", "TR", 41.05, 28.9, "europe"),
        ("Europe/Istanbul", "TR", 41.05, 29.2, "asia"),
        ("Africa/Cairo", "EG", 29.0, 33.8, "asia"),
        ("Africa/Cairo", "EG", 29.0, 31.0, "africa"),
        ("Asia/Yekaterinburg", "RU", 58.0, 56.2, "europe"),
        ("Asia/Yekaterinburg", "RU", 58.0, 62.0, "asia"),
        ("America/Argentina/Ushuaia", "AR", -64.0, -60.0, "antarctica"),
        ("America/Argentina/Ushuaia", "AR", -54.8, -68.3, "south-america"),
        ("Antarctica/Macquarie", "AU", -54.5, 158.9, "oceania"),
        ("Pacific/Honolulu", "US", 21.3, -157.8, "oceania"),
        (None, None, 0.0, 0.0, None),
        ("Nowhere/Known", None, 0.0, 0.0, None),
    ],
)
def test_positions(
    zone: str | None, country: str | None, latitude: float, longitude: float, slug: str | None
) -> None:
    """The treaty before the zone, the ring before the zone, the zone before the country."""
    code = decisions.at(latitude, longitude, zone, country)
    assert (SLUGS[code - 1] if code else None) == slug


def test_the_built_tables_are_those_of_the_decisions() -> None:
    """A decision that was changed without building the tables anew shows here."""
    for slug, codes in decisions.COUNTRIES.items():
        for code in codes.split():
            weights = tables.places().countries[code]
            assert weights[SLUGS.index(slug)] > 0, code
    for zone, (slug, _) in decisions.ZONES.items():
        weights = tables.places().zones[zone.lower()]
        assert weights[SLUGS.index(slug)] > 0, zone
    for _, slug, ring in decisions.RINGS:
        inner = [
            (latitude, longitude)
            for latitude in range(25, 66)
            for longitude in range(24, 66)
            if decisions.inside(latitude, longitude, ring)
        ]
        assert slug in {continent(*place) for place in inner}
