"""The few EXIF values that say something about the continent, read with bounds; none of them leaves.

Three directories at most are looked at (IFD0, Exif, GPS), each once (Exif 2.32, CIPA DC-008, section 4.6).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.prepare import container
from worker.prepare.tiff import Directory, Entry

_DESCRIPTION: Final = 0x010E
_MAKE: Final = 0x010F
_MODEL: Final = 0x0110
_CHANGED: Final = 0x0132
_EXIF: Final = 0x8769
_GPS: Final = 0x8825
_FIRST: Final = frozenset({_DESCRIPTION, _MAKE, _MODEL, _CHANGED, _EXIF, _GPS})

_EXPOSURE_TIME: Final = 0x829A
_F_NUMBER: Final = 0x829D
_SENSITIVITY: Final = 0x8827
_TAKEN: Final = 0x9003
_DIGITISED: Final = 0x9004
_OFFSET_CHANGED: Final = 0x9010
_OFFSET_TAKEN: Final = 0x9011
_OFFSET_DIGITISED: Final = 0x9012
_SECOND: Final = frozenset(
    {
        *(_EXPOSURE_TIME, _F_NUMBER, _SENSITIVITY, _TAKEN, _DIGITISED),
        *(_OFFSET_CHANGED, _OFFSET_TAKEN, _OFFSET_DIGITISED),
    }
)

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_GPS_TIME, _GPS_DATE = 7, 29
_THIRD: Final = frozenset({_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _GPS_TIME, _GPS_DATE})

_LONGEST_NAME: Final = 64
_LONGEST_DESCRIPTION: Final = 1_024
_TIME: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_DATE: Final = re.compile(r"(\d{4}):(\d\d):(\d\d)", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Exif:
    """What was read, for the stage that makes likelihoods of it; it has no repr, so that no log can show it.

    `taken` is the local wall-clock time of the picture; `offset` minutes east of UTC, as the camera says;
    `gps_time` UTC; `position` (latitude, longitude) in degrees; `exposure` the exposure value at ISO 100.
    """

    make: str = ""
    model: str = ""
    description: str = ""
    taken: datetime | None = None
    offset: int | None = None
    gps_time: datetime | None = None
    position: tuple[float, float] | None = None
    exposure: float | None = None


NOTHING: Final = Exif()


def read(data: bytes, *, gps: bool) -> Exif:
    """Read the EXIF block of an image file; never raises.

    Args:
        data: the file, JPEG, PNG, WebP or TIFF; others have no EXIF.
        gps: whether the GPS directory may be looked at, its clock included.

    >>> read(b"not an image", gps=True) is NOTHING
    True
    """
    block = container.exif(data)
    first = Directory.find(block) if block else None
    if first is None:
        return NOTHING
    names = first.pick(_FIRST)
    second = _below(first, names.get(_EXIF))
    third = _below(first, names.get(_GPS)) if gps else None
    shot = {} if second is None else second.pick(_SECOND)
    place = {} if third is None else third.pick(_THIRD)
    taken, offset = _when(first, names, second or first, shot)
    return Exif(
        make=_text(first, names.get(_MAKE)),
        model=_text(first, names.get(_MODEL)),
        description=_text(first, names.get(_DESCRIPTION), _LONGEST_DESCRIPTION),
        taken=taken,
        offset=offset,
        gps_time=_gps_time(third or first, place),
        position=_position(third or first, place),
        exposure=_exposure(second or first, shot),
    )


def _below(directory: Directory, entry: Entry | None) -> Directory | None:
    return None if entry is None else directory.below(entry)


def _text(directory: Directory, entry: Entry | None, most: int = _LONGEST_NAME) -> str:
    return "" if entry is None else directory.text(entry, most)


def _fractions(directory: Directory, entry: Entry | None, most: int) -> tuple[float, ...]:
    return () if entry is None else directory.fractions(entry, most)


def _when(
    first: Directory, names: dict[int, Entry], second: Directory, shot: dict[int, Entry]
) -> tuple[datetime | None, int | None]:
    """The best time there is, with the offset that belongs to it.

    The time of the last change is a program's as likely as a camera's; so it is used only with no other.
    """
    for directory, entries, when, offset in (
        (second, shot, _TAKEN, _OFFSET_TAKEN),
        (second, shot, _DIGITISED, _OFFSET_DIGITISED),
        (first, names, _CHANGED, _OFFSET_CHANGED),
    ):
        taken = _datetime(_TIME, _text(directory, entries.get(when)))
        if taken is not None:
            return taken, _offset(_text(second, shot.get(offset)))
    return None, None


def _datetime(form: re.Pattern[str], text: str) -> datetime | None:
    match = form.match(text)
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = (*map(int, match.groups()), 0, 0, 0)[:6]
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a camera's time has no zone
    except ValueError:
        return None


def _offset(text: str) -> int | None:
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def _gps_time(directory: Directory, place: dict[int, Entry]) -> datetime | None:
    day = _datetime(_DATE, _text(directory, place.get(_GPS_DATE)))
    clock = _fractions(directory, place.get(_GPS_TIME), 3)
    if day is None or len(clock) != 3:  # noqa: PLR2004 - hours, minutes, seconds
        return None
    seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
    if not seconds < 86_400:  # noqa: PLR2004 - a day
        return None
    whole, rest = divmod(int(seconds), 3600)
    return day.replace(hour=whole, minute=rest // 60, second=rest % 60)


def _position(directory: Directory, place: dict[int, Entry]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, or None where there is none that can be believed.

    Exactly (0, 0) is what a receiver without a fix writes.
    """
    latitude = _angle(directory, place.get(_LATITUDE), place.get(_LATITUDE_REF), "NS")
    longitude = _angle(directory, place.get(_LONGITUDE), place.get(_LONGITUDE_REF), "EW")
    if latitude is None or longitude is None or not (latitude or longitude):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None  # noqa: PLR2004 - the globe


def _angle(directory: Directory, value: Entry | None, reference: Entry | None, letters: str) -> float | None:
    parts = _fractions(directory, value, 3)
    letter = _text(directory, reference, 2).upper()
    if not parts or letter not in letters or len(letter) != 1:
        return None
    degrees = sum(part / 60.0**power for power, part in enumerate(parts))
    return -degrees if letter == letters[1] else degrees


def _exposure(directory: Directory, shot: dict[int, Entry]) -> float | None:
    """EV at ISO 100 = log2(N²/t) − log2(ISO/100): about 15 in sunshine, 5 in a room, below 0 at night."""
    seconds = _fractions(directory, shot.get(_EXPOSURE_TIME), 1)
    number = _fractions(directory, shot.get(_F_NUMBER), 1)
    sensitivity = shot.get(_SENSITIVITY)
    speed = directory.whole(sensitivity) if sensitivity is not None and sensitivity.values == 1 else ()
    if not (seconds and number and speed) or not (seconds[0] and number[0] and speed[0]):
        return None
    return math.log2(number[0] * number[0] / seconds[0]) - math.log2(speed[0] / 100)
