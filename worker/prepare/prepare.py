"""A photo's bytes and what its sender told of it → what the engine is asked."""

from __future__ import annotations

from dataclasses import replace

from worker.prepare.decode import DecodeLimits, Target, decode
from worker.prepare.evidence import read as evidence
from worker.record import Prepared


def prepare(
    data: bytes,
    limits: DecodeLimits,
    target: Target,
    *,
    caption: str | None = None,
    language: str | None = None,
    timezone: str | None = None,
    now: float,
    gps: bool = True,
) -> Prepared:
    """Decode the image and read its metadata.

    Args:
        data: the file.
        limits: on what is decoded.
        target: the recipe, from the model card.
        caption: `ce_captiontext`.
        language: `ce_languagetag`.
        timezone: `ce_timezone`.
        now: seconds since the epoch; dates after it are not believed.
        gps: whether positions may be looked at.

    Raises:
        Reject: the image cannot be decoded; metadata are never a reason.
    """
    decoded = decode(data, limits, target)
    told = evidence.read(
        data,
        caption=caption,
        language=language,
        timezone=timezone,
        brightness=decoded.signals.brightness,
        now=now,
        gps=gps,
    )
    return replace(decoded, evidence=told)
