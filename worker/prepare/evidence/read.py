"""A photo and its envelope → its evidence: the one way in."""

from __future__ import annotations

from typing import Final

from worker.prepare.evidence import camera, clock, exif, geography, season
from worker.prepare.evidence import caption as captions
from worker.prepare.evidence import language as languages
from worker.prepare.evidence import timezone as timezones
from worker.prepare.evidence.likelihood import disagreement, stream
from worker.record import CLAIMS, NO_EVIDENCE, SLUGS, Evidence

_GPS_QUALITY: Final = 0.97


def read(
    data: bytes,
    *,
    caption: str | None = None,
    language: str | None = None,
    timezone: str | None = None,
    brightness: float | None = None,
    now: float,
    gps: bool = True,
) -> Evidence:
    """Read what the metadata say about the continent. Never raises, whatever the bytes and texts hold.

    Args:
        data: the image file.
        caption: `ce_captiontext`; without it the EXIF description counts.
        language: `ce_languagetag`.
        timezone: `ce_timezone`.
        brightness: the picture's mean luminance, 0–1, if it has been measured.
        now: seconds since the epoch; dates after it are not believed.
        gps: the policy: where False the GPS directory is not even read, neither position nor time.

    >>> read(b"", timezone="Asia/Tokyo", now=0.0).streams.keys()
    dict_keys(['timezone'])
    """
    shot = exif.read(data, gps=gps)
    text = caption or shot.description
    if shot is exif.NOTHING and not (text or language or timezone):
        return NO_EVIDENCE
    continent = None if shot.position is None else geography.continent(*shot.position)
    found = {
        "clock": clock.read(shot.offset, shot.taken, shot.gps_time),
        "season": season.read(shot.taken, shot.exposure, brightness, now),
        "camera": camera.read(shot.make, shot.model),
        "caption": captions.read(text),
        "language": languages.read(language, text),
        "timezone": timezones.read(timezone, shot.taken),
        "gps": None if continent is None else stream([slug == continent for slug in SLUGS], _GPS_QUALITY),
    }
    streams = {name: part for name, part in found.items() if part is not None}
    claims = [streams[name] for name in CLAIMS if name in streams]
    return Evidence(streams=streams, gps_continent=continent, disagreement=disagreement(claims))
