"""What metadata says of a photo's continent: its file's, by the worker's own reading, and its manifest's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from training.data import photo
from training.data.photo import Seen
from worker.prepare.evidence import geography, read
from worker.prepare.evidence.likelihood import disagreement, stream
from worker.record import CLAIMS, SLUGS, Evidence, Stream

QUALITY: Final = 0.97
"""How often a position well within a continent is taken to be right: broken clocks and edited files exist."""

_AROUND: Final = 0.05
"""Degrees to each side at which a position is asked again: two cells of the map."""


def evidence_of(seen: Seen, folder: Path, *, now: float, gps: bool) -> Evidence:
    """The evidence of one photo, the coordinates of its manifest first where it has some.

    Args:
        seen: the photo, with what its manifest says beside the record.
        folder: where its file lies.
        now: seconds since the epoch; dates after it are not believed.
        gps: whether coordinates may be used, the file's and the manifest's.
    """
    hints = seen.row.hints
    found = read.read(
        photo.read(folder / seen.item.image_id) or b"",
        caption=hints.caption,
        language=hints.language,
        timezone=hints.timezone,
        now=now,
        gps=gps,
    )
    place = hints.coordinates or seen.look.camera.coordinates
    if not gps or place is None:
        return found
    return with_position(found, *place)


def with_position(evidence: Evidence, latitude: float, longitude: float) -> Evidence:
    """The evidence with a stream of this position instead of its own; on the open sea there is none.

    As in the worker, only streams that claim a place can disagree: cameras and languages follow people.
    """
    streams = {name: one for name, one in evidence.streams.items() if name != "gps"}
    slug, one = position(latitude, longitude)
    if one is not None:
        streams["gps"] = one
    claims = [streams[name] for name in CLAIMS if name in streams]
    return replace(evidence, streams=streams, gps_continent=slug, disagreement=disagreement(claims))


def position(latitude: float, longitude: float) -> tuple[str | None, Stream | None]:
    """The continent of a position in degrees and its stream, the less sure the nearer it lies to another."""
    slug = geography.continent(latitude, longitude)
    if slug is None:
        return None, None
    steps = (-_AROUND, 0.0, _AROUND)
    around = [geography.continent(latitude + north, longitude + east) for north in steps for east in steps]
    here = [one == slug for one in around if one is not None]
    weights = [float(one == slug) for one in SLUGS]
    return slug, stream(weights, QUALITY * sum(here) / len(here))
