"""What a drawn photo carries besides its pixels, as a file and an envelope for the worker's own reader."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, TiffImagePlugin

from worker.prepare.evidence.read import read
from worker.record import CLAIMS, Evidence

NOW: Final = 1_795_000_000.0
"""When drawn photos are read: 18 November 2026, after all of them."""

_EXIF, _GPS = 0x8769, 0x8825
_MAKE, _MODEL, _CHANGED = 0x010F, 0x0110, 0x0132
_EXPOSURE, _F_NUMBER, _ISO, _TAKEN, _OFFSET = 0x829A, 0x829D, 0x8827, 0x9003, 0x9011


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Metadata as cameras and people write them; None is not written.

    `taken` is local time by the camera's clock, `offset` the minutes east of UTC that it states, `gps_time`
    UTC, `position` (latitude, longitude) in degrees, `exposure` the exposure value at ISO 100.
    """

    taken: datetime | None = None
    offset: int | None = None
    gps_time: datetime | None = None
    position: tuple[float, float] | None = None
    exposure: float | None = None
    camera: tuple[str, str] | None = None
    caption: str | None = None
    language: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Facts with their truth: the continent, an index of SLUGS, that each of CLAIMS was made from."""

    facts: Facts
    claims: dict[str, int]
    swapped: bool = False

    def mixed(self, evidence: Evidence) -> bool:
        """Whether claims that the reader found are of different continents."""
        return len({self.claims[name] for name in CLAIMS if name in evidence.streams}) > 1


def keep(facts: Facts, kept: dict[str, bool]) -> Facts:
    """The facts without those of the streams that are not kept; a date stays where the clock needs it."""
    if not kept["clock"]:
        facts = replace(facts, offset=None, gps_time=None)
    if not kept["season"]:
        facts = replace(facts, exposure=None)
        if not kept["clock"]:
            facts = replace(facts, taken=None)
    gone = {"camera": "camera", "caption": "caption", "language": "language", "timezone": "timezone"}
    lost: dict[str, None] = {field: None for name, field in gone.items() if not kept[name]}
    return replace(facts, **lost, **({} if kept["gps"] else {"position": None}))


def evidence(facts: Facts) -> Evidence:
    """What the worker's reader makes of them."""
    return read(
        photo(facts), caption=facts.caption, language=facts.language, timezone=facts.timezone, now=NOW
    )


def photo(facts: Facts) -> bytes:
    """A JPEG of one grey block with the EXIF of these facts (Exif 2.32)."""
    exif = Image.Exif()
    if facts.camera:
        exif[_MAKE], exif[_MODEL] = facts.camera
    shot = exif.get_ifd(_EXIF)
    if facts.taken:
        shot[_TAKEN] = facts.taken.strftime("%Y:%m:%d %H:%M:%S")
    if facts.offset is not None:
        sign, minutes = "-" if facts.offset < 0 else "+", abs(facts.offset)
        shot[_OFFSET] = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    if facts.exposure is not None:
        # EV = log2(N²/t) at ISO 100; at f/8.
        shot[_F_NUMBER], shot[_ISO] = _rational(8.0), 100
        shot[_EXPOSURE] = _rational(64 / 2**facts.exposure)
    place = exif.get_ifd(_GPS)
    if facts.position is not None:
        latitude, longitude = facts.position
        place[1], place[2] = "S" if latitude < 0 else "N", _degrees(latitude)
        place[3], place[4] = "W" if longitude < 0 else "E", _degrees(longitude)
    if facts.gps_time is not None:
        place[29] = facts.gps_time.strftime("%Y:%m:%d")
        clock = facts.gps_time
        place[7] = tuple(_rational(float(part)) for part in (clock.hour, clock.minute, clock.second))
    block = exif.tobytes()
    plain = _grey()
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


@cache
def _grey() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 127, dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


def _rational(value: float) -> TiffImagePlugin.IFDRational:
    return TiffImagePlugin.IFDRational(round(value * 10_000), 10_000)


def _degrees(value: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
    whole, rest = divmod(abs(value), 1)
    minutes, rest = divmod(rest * 60, 1)
    return tuple(_rational(part) for part in (whole, minutes, rest * 60))
