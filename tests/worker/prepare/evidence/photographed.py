"""Photos with the metadata that a test asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from PIL import Image

from tests.crafted import encoded, scene

NOON = datetime(2024, 6, 1, 12, 0)  # noqa: DTZ001 - a camera's local time
NOW = datetime(2026, 11, 21).timestamp()  # noqa: DTZ001 - any moment after the photos


def exif(
    *,
    names: dict[int, Any] | None = None,
    shot: dict[int, Any] | None = None,
    place: dict[int, Any] | None = None,
) -> Image.Exif:
    """EXIF with these tags in IFD0, the Exif and the GPS directory."""
    made = Image.Exif()
    made.update(names or {})
    for directory, tags in ((0x8769, shot), (0x8825, place)):
        if tags:
            made.get_ifd(directory).update(tags)
            # JPEG, PNG and WebP are written from the one, TIFF asks for the other.
            made[directory] = tags
    return made


def photo(
    kind: str = "JPEG",
    /,
    *,
    names: dict[int, Any] | None = None,
    shot: dict[int, Any] | None = None,
    place: dict[int, Any] | None = None,
) -> bytes:
    """A small picture of this format with these tags in the directories of `exif`."""
    return encoded(scene(64, 48), kind, exif=exif(names=names, shot=shot, place=place))


def position(latitude: float, longitude: float) -> dict[int, Any]:
    """The tags of the GPS directory that say where: degrees, minutes and seconds, as cameras write them."""
    return {
        1: "N" if latitude >= 0 else "S",
        2: _sexagesimal(abs(latitude)),
        3: "E" if longitude >= 0 else "W",
        4: _sexagesimal(abs(longitude)),
    }


def taken(when: datetime = NOON, offset: str | None = None) -> dict[int, Any]:
    """The tags of the Exif directory that say when."""
    tags: dict[int, Any] = {0x9003: f"{when:%Y:%m:%d %H:%M:%S}"}
    return tags if offset is None else {**tags, 0x9011: offset}


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 3)
