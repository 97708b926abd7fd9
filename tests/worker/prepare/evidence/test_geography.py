"""Positions → continents: the decisions, the sea, the seams of the map."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.prepare.evidence import tables
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "slug"),
    [
        ("Paris", 48.857, 2.352, "europe"),
        ("Windhoek, whose country's code is NA", -22.56, 17.08, "africa"),
        ("Laayoune, Western Sahara", 27.15, -13.2, "africa"),
        ("Vatican", 41.903, 12.453, "europe"),
        ("Vladivostok", 43.116, 131.886, "asia"),
        ("Moscow", 55.756, 37.617, "europe"),
        ("Perm, west of the Urals", 58.01, 56.25, "europe"),
        ("Yekaterinburg, east of them", 56.84, 60.61, "asia"),
        ("Chelyabinsk", 55.16, 61.4, "asia"),
        ("Istanbul, Sultanahmet", 41.0055, 28.977, "europe"),
        ("Istanbul, Kadikoy", 40.99, 29.03, "asia"),
        ("Edirne", 41.677, 26.556, "europe"),
        ("Ankara", 39.93, 32.86, "asia"),
        ("Canakkale", 40.15, 26.42, "asia"),
        ("Gelibolu", 40.41, 26.66, "europe"),
        ("Cairo", 30.044, 31.236, "africa"),
        ("Suez", 29.97, 32.53, "africa"),
        ("Sharm el-Sheikh", 27.92, 34.33, "asia"),
        ("Oral, Kazakhstan", 51.22, 51.37, "asia"),
        ("Nicosia", 35.17, 33.36, "asia"),
        ("Kyrenia", 35.34, 33.32, "asia"),
        ("Tbilisi", 41.72, 44.79, "asia"),
        ("Baku", 40.41, 49.87, "asia"),
        ("Reunion", -21.1, 55.5, "africa"),
        ("Cayenne", 4.92, -52.31, "south-america"),
        ("Honolulu", 21.31, -157.86, "oceania"),
        ("Anchorage", 61.22, -149.9, "north-america"),
        ("Tenerife", 28.29, -16.6, "africa"),
        ("Madeira", 32.65, -16.91, "africa"),
        ("Azores", 37.74, -25.67, "europe"),
        ("Ceuta", 35.889, -5.32, "africa"),
        ("Gibraltar", 36.14, -5.35, "europe"),
        ("Easter Island", -27.11, -109.35, "oceania"),
        ("Galapagos", -0.74, -90.31, "south-america"),
        ("Panama City", 8.98, -79.52, "north-america"),
        ("Trinidad", 10.65, -61.5, "north-america"),
        ("Curacao", 12.1, -68.9, "north-america"),
        ("Nuuk", 64.18, -51.72, "north-america"),
        ("Reykjavik", 64.15, -21.94, "europe"),
        ("Jayapura", -2.53, 140.72, "asia"),
        ("Dili", -8.56, 125.57, "asia"),
        ("Port Moresby", -9.44, 147.18, "oceania"),
        ("South Georgia", -54.28, -36.5, "south-america"),
        ("Kerguelen", -49.35, 70.22, "africa"),
        ("Antarctic Peninsula, claimed thrice", -64.8, -64.1, "antarctica"),
        ("Drake Passage", -58.0, -63.0, None),
        ("the sea south of 60° S", -62.0, 0.0, "antarctica"),
        ("the Atlantic", 0.0, -30.0, None),
        ("the Pacific", 30.0, -150.0, None),
        ("off the coast of Lisbon, 10 km", 38.7, -9.6, "europe"),
        ("the pole", -90.0, 0.0, "antarctica"),
        ("the other pole", 90.0, 0.0, None),
    ],
)
def test_decisions(place: str, latitude: float, longitude: float, slug: str | None) -> None:
    """Each decision of docs/evidence.md at a place that it decides."""
    assert continent(latitude, longitude) == slug, place


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(math.nan, 0.0), (0.0, math.inf), (90.01, 0.0), (0.0, -180.01), (1e300, 1e300)],
)
def test_what_is_no_position_has_no_continent(latitude: float, longitude: float) -> None:
    """Instead of an exception, which would show the numbers."""
    assert continent(latitude, longitude) is None


def test_the_date_line_is_no_border() -> None:
    """Taveuni, Fiji, which it crosses; and 180° east is 180° west."""
    assert continent(-16.85, 179.99) == continent(-16.85, -179.99) == "oceania"
    assert continent(66.0, 180.0) == continent(66.0, -180.0)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_position_has_an_answer(latitude: float, longitude: float) -> None:
    """A slug or none, everywhere on the globe."""
    assert continent(latitude, longitude) in {None, *SLUGS}


def test_the_map_is_whole() -> None:
    """Every row begins at the first column, runs are in order and differ from the next, codes are known."""
    table = tables.earth()
    assert len(table.starts) == round(180 / tables.EARTH_STEP) + 1
    assert table.starts[-1] == len(table.columns) == len(table.codes)
    firsts = table.starts[:-1].astype(int)
    assert not table.columns[firsts].any()
    within = np.setdiff1d(np.arange(len(table.columns)), firsts)
    assert (table.columns[within] > table.columns[within - 1]).all()
    assert (table.codes[within] != table.codes[within - 1]).all()
    assert set(table.codes.tolist()) == set(range(8))


def test_a_run_begins_with_its_first_cell_and_ends_with_its_last() -> None:
    """Looked up by the centres of the cells on both sides of every seam of some rows."""
    table = tables.earth()
    width = round(360 / tables.EARTH_STEP)
    for row in range(7, len(table.starts) - 1, 499):
        latitude = 90 - (row + 0.5) * tables.EARTH_STEP
        start, end = int(table.starts[row]), int(table.starts[row + 1])
        columns = [*table.columns[start:end].tolist(), width]
        for code, first, after in zip(table.codes[start:end].tolist(), columns, columns[1:], strict=False):
            for column in (first, after - 1):
                found = continent(latitude, -180 + (column + 0.5) * tables.EARTH_STEP)
                assert found == (SLUGS[code - 1] if code else None)


def test_areas_are_those_of_the_continents() -> None:
    """Land and coastal waters (10⁶ km²): no less than the known land, and at most 55% more than that."""
    table = tables.earth()
    width = round(360 / tables.EARTH_STEP)
    areas = [0.0] * 8
    for row in range(len(table.starts) - 1):
        south = math.radians(90 - (row + 1) * tables.EARTH_STEP)
        cell = (math.sin(south + math.radians(tables.EARTH_STEP)) - math.sin(south)) * 6.371**2
        start, end = int(table.starts[row]), int(table.starts[row + 1])
        columns = [*table.columns[start:end].tolist(), width]
        for code, west, east in zip(table.codes[start:end].tolist(), columns, columns[1:], strict=False):
            areas[code] += cell * math.radians((east - west) * tables.EARTH_STEP)
    assert sum(areas) == pytest.approx(4 * math.pi * 6.371**2, rel=1e-6)
    # Without Antarctica, whose sea counts; Africa 30.4, Asia 44.6, Europe 10.2, North America 24.7, …
    lands = {"africa": 30.4, "asia": 44.6, "europe": 10.2, "north-america": 24.7, "oceania": 8.5}
    for slug, land in {**lands, "south-america": 17.8}.items():
        assert land <= areas[SLUGS.index(slug) + 1] <= 1.55 * land, slug
