"""A position → its continent, by a map of cells of 0.025 degrees; the position goes no further."""

from __future__ import annotations

from worker.prepare.evidence import tables
from worker.record import SLUGS


def continent(latitude: float, longitude: float) -> str | None:
    """The continent of a position in degrees (WGS 84); None on the open sea, or where it is no position.

    Coastal waters (12 nautical miles) belong to their land; all that lies south of 60° S is Antarctica. The
    decisions on countries of two continents are in docs/evidence.md.

    >>> continent(48.8566, 2.3522), continent(43.1155, 131.8855), continent(0.0, -30.0)
    ('europe', 'asia', None)
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 - the globe
        return None
    table = tables.earth()
    row = min(int((90 - latitude) / tables.EARTH_STEP), len(table.starts) - 2)
    column = int((longitude + 180) / tables.EARTH_STEP) % round(360 / tables.EARTH_STEP)
    start, end = int(table.starts[row]), int(table.starts[row + 1])
    run = start + int(table.columns[start:end].searchsorted(column, side="right")) - 1
    code = int(table.codes[run])
    return SLUGS[code - 1] if code else None
