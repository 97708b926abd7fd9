"""The table that photos are drawn from."""

from __future__ import annotations

import numpy as np

from training.fusion import build_world, world
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS


def test_every_place_lies_on_its_continent() -> None:
    """By the worker's own map, every city and every spot of the gallery: the truth of a draw is the truth."""
    wrong = [
        (region.zone, place)
        for region in world.load().regions
        for place in (*(city.position for city in region.cities), *region.spots)
        if continent(*place) != SLUGS[region.continent]
    ]
    assert wrong == []


def test_every_continent_can_be_drawn() -> None:
    """Each has regions with a place, and by either generator's weights some chance."""
    table = world.load()
    for number in range(len(SLUGS)):
        regions = table.on(number)
        assert len(regions) >= 5
        assert sum(region.photos for region in regions) > 0
        assert all(region.cities or region.spots for region in regions)


def test_offsets_are_the_clocks() -> None:
    """Summer time in its hemisphere, quarters of an hour in Nepal, and nothing that no clock shows."""
    table = {region.zone: region for region in world.load().regions}
    assert [table["Europe/Paris"].offset(month) for month in (1, 7)] == [60, 120]
    assert [table["Australia/Sydney"].offset(month) for month in (1, 7)] == [660, 600]
    assert table["Asia/Kathmandu"].offset(3) == 345
    assert {minutes % 15 for region in table.values() for minutes in region.offsets} == {0}


def test_countries_have_names_and_languages() -> None:
    """Every country that a region lies in can be written in a caption, and nearly all have a language."""
    table = world.load()
    used = {region.country for region in table.regions if region.country}
    assert used == set(table.names)
    assert np.mean([bool(table.languages[code][0]) for code in used]) > 0.98


def test_the_tz_databases_positions_are_read() -> None:
    """Both of its forms, with seconds and without (ISO 6709)."""
    assert build_world.degrees("-7750+16636") == (-77.8, 166.6)
    assert build_world.degrees("+404251-0740023") == (40.7, -74.0)
