"""How the cells of a manifest become the fields of a record: columns by name, cells by kind."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from training.data.item import FIELDS
from worker.record import SLUGS

ALIASES: Final = {
    **{name: name for name in FIELDS},
    "path": "image_id",
    "file": "image_id",
    "continent": "continent_label",
    "licence": "license",
    "source_repo": "source",
    "split": "data_split",
    "camera": "camera_model",
    "taken": "timestamp",
    "lat": "latitude",
    "latitude": "latitude",
    "lon": "longitude",
    "longitude": "longitude",
    "captiontext": "caption",
    "caption": "caption",
    "languagetag": "language",
    "language": "language",
    "timezone": "timezone",
}
"""The columns that are read, by the field that they fill; other columns are passed over."""

HINTS: Final = frozenset({"latitude", "longitude", "caption", "language", "timezone"})
"""Columns that a label may be made from and that no record keeps."""

_EXIF_TIME: Final = re.compile(r"(\d{4}):(\d{2}):(\d{2}) ")


def field_of(column: str) -> str | None:
    """The field that a column fills, None for a column that is passed over.

    >>> field_of("licence"), field_of(" ce_captiontext"), field_of("width")
    ('license', 'caption', None)
    """
    return ALIASES.get(column.strip().lower().removeprefix("ce_"))


def source_of(repository: str) -> str:
    """The source that a repository belongs to: all OpenStax books share editors and picture desks.

    >>> source_of("openstax/osbooks-world-history"), source_of("gbif/hp-antarctic")
    ('openstax', 'gbif/hp-antarctic')
    """
    owner, _, _ = repository.partition("/")
    return owner if owner == "openstax" else repository


def value(field: str, cell: str) -> object:
    """What a cell says in JSON's types; a cell that cannot be read is returned as it is, for the schema.

    An empty cell says nothing (None). Namibia's "NA" is no special word here, nor is any other.

    >>> value("continent_label", "North America"), value("sensitive", "no"), value("label_confidence", "0.9")
    ('north-america', False, 0.9)
    """
    cell = cell.strip()
    if not cell:
        return None
    reading = _READINGS.get(field)
    found = None if reading is None else reading(cell)
    return cell if found is None else found


def coordinates(latitude: object, longitude: object) -> tuple[float, float] | None:
    """A place in degrees, or None: absent, out of range, or the (0, 0) that broken receivers write.

    >>> coordinates(0.0, 0.0), coordinates(91.0, 5.0), coordinates(-33.9, 18.4)
    (None, None, (-33.9, 18.4))
    """
    if not isinstance(latitude, float) or not isinstance(longitude, float):
        return None
    on_earth = abs(latitude) <= 90 and abs(longitude) <= 180  # noqa: PLR2004 - degrees; false of a NaN
    return (latitude, longitude) if on_earth and (latitude or longitude) else None


def timestamp(cell: str) -> str | None:
    """ISO 8601 to the second, of ISO's or of EXIF's own writing; None where it is no time.

    >>> timestamp("2024:07:02 16:20:00+02:00"), timestamp("0000:00:00 00:00:00")
    ('2024-07-02T16:20:00+02:00', None)
    """
    try:
        moment = datetime.fromisoformat(_EXIF_TIME.sub(r"\1-\2-\3T", cell))
    except ValueError:
        return None
    offset = moment.utcoffset()
    # Offsets are whole minutes in RFC 3339.
    return (
        None if offset is not None and offset.total_seconds() % 60 else moment.isoformat(timespec="seconds")
    )


def _continent(cell: str) -> str | None:
    slug = cell.casefold().replace(" ", "-").replace("_", "-")
    return slug if slug in SLUGS else None


def _truth(cell: str) -> bool | None:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(cell.lower())


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_READINGS: Final[dict[str, Callable[[str], object]]] = {
    "continent_label": _continent,
    "gps_included": _truth,
    "sensitive": _truth,
    "label_confidence": _number,
    "latitude": _number,
    "longitude": _number,
    "timestamp": timestamp,
    "source": source_of,
}
