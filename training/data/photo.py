"""What one photo's file says: whether it can be used, what it looks like, and what its camera wrote."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Final

from training.data.item import Item
from training.data.manifest import Manifest, Row
from training.data.perceptual import TARGET, Hash, hash_of
from worker.errors import Reject
from worker.prepare.decode import DecodeLimits, decode
from worker.prepare.evidence import exif

PHOTO_BYTES: Final = 8 * 1024 * 1024
LIMITS: Final = DecodeLimits(pixels=50_000_000, side=20_000)
"""The worker's own limits: a photo that it would reject teaches it nothing."""

DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What the camera wrote that a record keeps, and where; shown to nobody."""

    timestamp: str | None = field(default=None, repr=False)
    model: str | None = field(default=None, repr=False)
    coordinates: tuple[float, float] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One photo after looking into its file.

    `rejected` is None for a photo that the worker would take, else the reason, or `missing`; `sha256` and
    `hash` are None where the file could not be read or decoded.
    """

    rejected: str | None
    sha256: str | None
    hash: Hash | None = field(repr=False)
    camera: Camera


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A valid row, what its file says, and its record completed from the file."""

    row: Row
    item: Item
    look: Look


def look(path: Path) -> Look:
    """Read and decode one photo, as the worker would; whatever is wrong with it is the result."""
    data = read(path)
    if data is None:
        return _unusable("missing", None)
    if len(data) > PHOTO_BYTES:
        return _unusable("too_large", None)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        pixels = decode(data, LIMITS, TARGET).pixels
    except Reject as reject:
        return _unusable(reject.reason, sha256)
    return Look(rejected=None, sha256=sha256, hash=hash_of(pixels), camera=camera(data))


def read(path: Path) -> bytes | None:
    """The bytes of a photo's file, at most one more than the limit; None where there is no such file."""
    try:
        # A pipe or a device would be read for ever.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(PHOTO_BYTES + 1)
    except OSError:
        return None


def _unusable(reason: str, sha256: str | None) -> Look:
    return Look(rejected=reason, sha256=sha256, hash=None, camera=Camera())


def camera(data: bytes) -> Camera:
    """What the EXIF of a photo says of when, with what and where; nothing where it cannot be read."""
    said = exif.read(data, gps=True)
    # An offset of a day or more is no time zone's, and Python has none such.
    known = said.offset is not None and abs(said.offset) < DAY_MINUTES
    zone = timezone(timedelta(minutes=said.offset or 0)) if known else None
    return Camera(
        timestamp=None
        if said.taken is None
        else said.taken.replace(tzinfo=zone).isoformat(timespec="seconds"),
        model="".join(letter for letter in said.model if letter.isprintable()).strip() or None,
        coordinates=said.position,
    )


def see(
    manifest: Manifest, *, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[Seen, ...]:
    """Look into the file of every valid row, on all processors.

    Args:
        manifest: the rows and the folder of their photos.
        progress: told how many photos of how many were looked at.
    """
    valid = list(manifest.valid())
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looks = pool.map(look, [manifest.folder / item.image_id for _, item in valid])
        seen = []
        for (row, item), one in zip(valid, looks, strict=True):
            seen.append(Seen(row=row, item=complete(item, one.camera), look=one))
            progress(len(seen), len(valid))
    return tuple(seen)


def complete(item: Item, said: Camera) -> Item:
    """The record with what the camera wrote, where the manifest did not say."""
    return replace(
        item,
        timestamp=item.timestamp or said.timestamp,
        camera_model=item.camera_model or said.model,
        gps_included=item.gps_included or said.coordinates is not None,
    )
