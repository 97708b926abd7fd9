"""The date, and whether the light fits the hour → continents by season and by where the sun was up."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from worker.prepare.evidence import tables
from worker.prepare.evidence.clock import half_month
from worker.prepare.evidence.likelihood import stream
from worker.record import Stream

FIRST_YEAR: Final = 1990
_DAY_SECONDS: Final = 86_400.0

DATE_QUALITY: Final = 0.4
LIGHT_QUALITY: Final = 0.6

BRIGHT: Final = 11.0
DIM: Final = 6.0
"""Exposure values (ISO 100): above BRIGHT is open daylight, below DIM a room or the night."""

SUN_UP: Final = (0.12, 0.33, 0.55)
SUN_DOWN: Final = (0.85, 0.14, 0.01)
"""P(dim, between, bright | the sun is up) and (… | it is down): assumed, not fitted."""

_BRIGHT_PIXELS: Final = 0.35
_PIXELS_UP: Final = (0.35, 0.65)
_PIXELS_DOWN: Final = (0.6, 0.4)
"""P(dark, bright picture | sun up), (… | down): weak, since cameras expose for an even grey."""


def read(
    taken: datetime | None, exposure: float | None, brightness: float | None, now: float
) -> Stream | None:
    """The stream of the season, or None where there is no date that can be believed.

    Args:
        taken: the local time.
        exposure: the exposure value at ISO 100, if known.
        brightness: the picture's mean luminance, 0–1, used where the exposure is not known.
        now: seconds since the epoch; no photo is from the future.
    """
    if taken is None or not _is_believable(taken, now):
        return None
    table = tables.times()
    half = half_month(taken)
    season = table.season[half].tolist()
    light = _light(exposure, brightness)
    if light is None:
        return stream(season, DATE_QUALITY)
    up, down = light
    day = table.daylight[half, taken.hour * 2 + taken.minute // 30].tolist()
    weights = [s * (d * up + (1 - d) * down) for s, d in zip(season, day, strict=True)]
    return stream(weights, LIGHT_QUALITY if exposure is not None else DATE_QUALITY)


def _light(exposure: float | None, brightness: float | None) -> tuple[float, float] | None:
    """How probable the light is with the sun up and with the sun down."""
    if exposure is not None:
        level = (exposure >= DIM) + (exposure >= BRIGHT)
        return SUN_UP[level], SUN_DOWN[level]
    if brightness is not None:
        bright = brightness >= _BRIGHT_PIXELS
        return _PIXELS_UP[bright], _PIXELS_DOWN[bright]
    return None


def _is_believable(taken: datetime, now: float) -> bool:
    """Whether the clock had been set: not before digital cameras, in the future, or just after a reset."""
    if (taken.month, taken.day, taken.hour) == (1, 1, 0):
        return False
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are compared as they stand
    return taken.year >= FIRST_YEAR and (taken - epoch).total_seconds() <= now + 2 * _DAY_SECONDS
