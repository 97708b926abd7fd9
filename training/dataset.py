"""The photos that heads are fitted on: a folder of images with a `manifest.csv`.

The manifest has at least the columns path, continent (display name), source_repo, licence, attribution and
group; photos of one group (a trip, a place, a photographer) are never split between fitting and judging, and
whole sources are left out to measure. Coordinates, where the manifest has them, are not read.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from training.data.columns import source_of
from training.places import EXAMPLES
from worker.errors import Refuse, Reject
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.record import DISPLAY_NAMES, SLUGS, Pixels

LIMITS = DecodeLimits(pixels=50_000_000, side=20_000)
SLUG_OF_NAME = {name: slug for slug, name in DISPLAY_NAMES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPhoto:
    """A photo of the manifest: `label` indexes `worker.record.SLUGS`, `source` is left out whole."""

    path: Path
    label: int
    group: str
    source: str

    def pixels(self, target: Target) -> Pixels:
        """Decode exactly as the worker does: uint8 (size, size, 3).

        Raises:
            Reject: the file is no image that the worker would take.
        """
        return decode(self.path.read_bytes(), LIMITS, target).pixels


def held_out_groups(examples: Path = EXAMPLES) -> frozenset[str]:
    """The groups that have a photo among the examples: no photo of theirs is fitted on."""
    with (examples / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["group"] for row in csv.DictReader(file))


def load_photos(folder: Path, *, without: frozenset[str] | None = None) -> list[TrainingPhoto]:
    """Read the manifest of `folder`, without the groups held out, ordered by file name.

    Raises:
        Refuse: there is no manifest, a column is missing, or a continent is not one of the seven.
    """
    without = held_out_groups() if without is None else without
    try:
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as exc:
        raise Refuse(
            f"{folder} has no readable manifest.csv: give a folder of photos that has one.", exit_code=2
        ) from exc
    try:
        photos = [
            TrainingPhoto(
                path=folder / row["path"],
                label=SLUGS.index(SLUG_OF_NAME[row["continent"]]),
                group=row["group"],
                source=source_of(row["source_repo"]),
            )
            for row in rows
            if row["group"] not in without
        ]
    except KeyError as exc:
        raise Refuse(
            f"{folder}/manifest.csv has no column or continent {exc}: the columns are path, continent,"
            " source_repo and group.",
            exit_code=2,
        ) from exc
    return sorted(photos, key=lambda photo: photo.path.name)


def decodable(photos: list[TrainingPhoto], target: Target) -> tuple[list[TrainingPhoto], list[Pixels]]:
    """Keep the photos that the worker would take, with their pixels."""
    kept, pixels = [], []
    for photo in photos:
        try:
            pixels.append(photo.pixels(target))
        except Reject:
            continue
        kept.append(photo)
    return kept, pixels
