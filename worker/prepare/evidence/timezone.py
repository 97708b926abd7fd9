"""The time zone that a user declares → the continents where it is in use."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from worker.prepare.evidence import clock, tables
from worker.prepare.evidence.likelihood import stream
from worker.record import Stream

_ZONE_QUALITY: Final = 0.8
_OFFSET_QUALITY: Final = 0.5
_LONGEST: Final = 64
_OFFSET: Final = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d\d)?", re.ASCII)


def read(zone: str | None, taken: datetime | None) -> Stream | None:
    """The stream of a declared zone, or None where it is unknown or, like UTC, says nothing.

    Args:
        zone: a name of the tz database, old names and any case included, or an offset such as UTC+05:30.
        taken: the local time of the photo, for which an offset is looked up.

    >>> read("Africa/Nairobi", None).likelihood.index(max(read("Africa/Nairobi", None).likelihood))
    0
    """
    if zone is None:
        return None
    name = zone[:_LONGEST].strip().lower()
    weights = tables.places().zones.get(name)
    if weights is not None:
        return stream(weights, _ZONE_QUALITY)
    match = _OFFSET.fullmatch(name.replace(" ", ""))
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if not minutes:
        return None
    return clock.of_offset(-minutes if match[1] == "-" else minutes, taken, _OFFSET_QUALITY)
