"""The fields that faults are let loose on, by name: what runs there, and which photos flow."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests import hostile
from tests.end_to_end import faulty
from tests.faults.field import Field

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "photos"
POISON_BYTES = 100_000
"""Larger poison is for the tests of the decoder: here it would only slow the sender down."""

DISK_MIB = 420
"""A disk on which a broker starts, and that is soon full."""


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Field]:
    """Start the field of this name; its files go into the folder.

    `real`: the project's engines, real photos, and one poison photo in ten. `small`: the
    same, its log on a small disk of its own. `faulty`: an
    engine that fails on purpose, on one photo in ten; another one in ten takes long to decode.
    """
    if name == "faulty":
        models, card = faulty.repository(folder)
        large = faulty.photo(faulty.WELL, side=4_000)
        photos = [faulty.photo(faulty.WELL)] * 8 + [large, faulty.photo(faulty.RAISES)]
        with Field.open(
            folder, photos, models=models, settings={"PANGAEA_CARD": str(card)}, raises=True
        ) as field:
            yield field
    elif name == "small":
        with _small_disk(folder / "disk") as data, Field.open(folder, poisoned(), data=data) as field:
            yield field
    else:
        with Field.open(folder, poisoned()) as field:
            yield field


@cache
def poisoned() -> Sequence[bytes]:
    """The example photos, and after every nine of them one that is broken, hostile or none."""
    good = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.jpg"))]
    bad = [each.data for each in hostile.corpus() if each.reason and 0 < len(each.data) < POISON_BYTES]
    return [
        photo
        for index, poison in enumerate(bad)
        for photo in (*(good[(9 * index + number) % len(good)] for number in range(9)), poison)
    ]


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """A disk of its own in memory: what fills it harms nobody. Needs the right to mount."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(place)], check=True)
    try:
        yield place / "log"
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
