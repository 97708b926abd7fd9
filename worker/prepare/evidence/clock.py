"""The camera's distance from UTC → the continents whose clocks stand there on that day."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from worker.prepare.evidence import tables
from worker.prepare.evidence.likelihood import stream
from worker.record import Stream

STRAY: Final = 0.03
"""The share of clocks that stand anywhere: set for another place, or wrong."""

_STATED: Final = 0.8
_ZERO: Final = 0.4
_MEASURED: Final = 0.75
_DRIFTED: Final = 0.4
_CONTESTED: Final = 0.3
_LATE_MINUTES: Final = 2.0
_DRIFT_MINUTES: Final = 5.0


def read(offset: int | None, taken: datetime | None, gps_time: datetime | None) -> Stream | None:
    """The stream of the clock, or None where nothing tells its offset.

    Args:
        offset: minutes east of UTC, as the camera says.
        taken: the local time.
        gps_time: UTC at about the same moment; the difference is the offset where the camera says none.
    """
    measured, drift = _difference(taken, gps_time)
    if offset is not None and not _is_possible(offset):
        offset = None
    if offset is None:
        if measured is None:
            return None
        return of_offset(measured, taken, _MEASURED if drift <= _LATE_MINUTES else _DRIFTED)
    # Programs write +00:00 where they do not know.
    quality = _STATED if offset else _ZERO
    if measured is not None and measured != offset:
        quality = _CONTESTED
    return of_offset(offset, taken, quality)


def of_offset(offset: int, taken: datetime | None, quality: float) -> Stream | None:
    """The stream of an offset in minutes; None where no clock on Earth has it. Without a date, of any day."""
    if not _is_possible(offset):
        return None
    place = (offset - tables.LEAST_OFFSET) // tables.OFFSET_STEP
    table = tables.times().offset
    row = table[:, place].mean(axis=0) if taken is None else table[half_month(taken), place]
    return stream([(1 - STRAY) * p + STRAY / tables.OFFSETS for p in row.tolist()], quality)


def half_month(day: datetime) -> int:
    """The place of a day among the 24 half months of a year.

    >>> half_month(datetime(2026, 1, 15)), half_month(datetime(2026, 12, 16))
    (0, 23)
    """
    return 2 * (day.month - 1) + (day.day > 15)  # noqa: PLR2004 - the middle of a month


def _is_possible(offset: int) -> bool:
    place, rest = divmod(offset - tables.LEAST_OFFSET, tables.OFFSET_STEP)
    return not rest and 0 <= place < tables.OFFSETS


def _difference(taken: datetime | None, gps_time: datetime | None) -> tuple[int | None, float]:
    """Local time minus UTC to the nearest quarter of an hour, and how many minutes that is off."""
    if taken is None or gps_time is None:
        return None, 0.0
    minutes = (taken - gps_time).total_seconds() / 60
    nearest = round(minutes / tables.OFFSET_STEP) * tables.OFFSET_STEP
    drift = abs(minutes - nearest)
    if drift > _DRIFT_MINUTES or not _is_possible(nearest):
        return None, 0.0
    return nearest, drift
