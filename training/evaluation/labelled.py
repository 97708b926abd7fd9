"""A folder of photos whose continents are known: any CSV that says which file shows which."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from training.data.columns import field_of, source_of, value
from worker.errors import Refuse
from worker.record import SLUGS

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_ROWS: Final = 100_000
ONE_SOURCE: Final = "this manifest"
"""The source of every photo where the manifest names none."""

_LONGEST: Final = {"caption": 16_384, "language": 1_024, "timezone": 1_024}
"""Bytes that the envelope of a photo takes; more is cut off, as its sender would have to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPhoto:
    """A photo, its truth, and what its sender would have said about it; `label` indexes SLUGS."""

    path: Path = field(repr=False)
    label: int
    group: str
    source: str
    caption: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    timezone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The photos of a manifest, in its order; `passed_over` counts rows by why they are not among them."""

    photos: tuple[LabelledPhoto, ...]
    passed_over: dict[str, int]


def read(path: Path) -> Labelled:
    """Read a manifest: UTF-8, a header line; a column for the file (path, file or image_id) and `continent`.

    Further columns that are read: group, source or source_repo (the repositories of one publisher are one
    source), captiontext, languagetag, timezone and label_method. A row without a continent, of a missing
    file, of a file that an earlier row has, or of a synthetic picture is passed over and counted.
    Coordinates are not read.

    Args:
        path: the CSV, or a folder that holds a `manifest.csv`; files are named relative to its folder.

    Raises:
        Refuse: it cannot be read, lacks a column, names a continent that there is not, or no photo is left.
    """
    path = path / "manifest.csv" if path.is_dir() else path
    rows = _rows(path)
    photos: dict[Path, LabelledPhoto] = {}
    why: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        file, slug = row.get("image_id"), row.get("continent_label")
        place = path.parent / file if file else None
        if slug is None:
            why["unlabelled"] += 1
        elif row.get("label_method") == "synthetic":
            why["synthetic"] += 1
        elif place is None or not place.is_file():
            why["missing"] += 1
        elif place in photos:
            why["repeated"] += 1
        else:
            photos[place] = _photo(place, row, _label(slug, number, path))
    if not photos:
        told = ", ".join(f"{count} {reason}" for reason, count in why.items()) or "it has no rows"
        raise Refuse(f"{path.name} gives no photo to judge by ({told}): name a manifest of labelled photos.")
    return Labelled(photos=tuple(photos.values()), passed_over=dict(why))


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows by field, empty cells left out."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refuse(f"{path.name} is larger than {MOST_BYTES >> 20} MiB: split it.", exit_code=2)
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = {name: _field(name) for name in reader.fieldnames or ()}
            if not {"image_id", "continent_label"} <= set(names.values()):
                raise Refuse(
                    f"{path.name} is no manifest of labelled photos: its first line needs a column path (or"
                    " file) and a column continent.",
                    exit_code=2,
                )
            rows = [
                {
                    names[name]: cell.strip()
                    for name, cell in row.items()
                    if name in names and cell and cell.strip()
                }
                for row in reader
            ]
    except (OSError, UnicodeError, csv.Error) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not a CSV in UTF-8"
        raise Refuse(
            f"the manifest {path} cannot be read ({why}): name another with --manifest.", exit_code=2
        ) from exc
    if len(rows) > MOST_ROWS:
        raise Refuse(f"{path.name} has more than {MOST_ROWS} rows: split it.", exit_code=2)
    return rows


def _field(column: str) -> str:
    """What a column is for; one that nobody knows is for nothing."""
    return field_of(column) or ""


def _photo(place: Path, row: dict[str, str], label: int) -> LabelledPhoto:
    collected = row.get("source")
    return LabelledPhoto(
        path=place,
        label=label,
        group=row.get("group") or str(place),
        source=source_of(collected) if collected else ONE_SOURCE,
        **{name: _cut(row.get(name), most) for name, most in _LONGEST.items()},
    )


def _label(cell: str, number: int, path: Path) -> int:
    slug = value("continent_label", cell)
    if slug not in SLUGS:
        raise Refuse(
            f"{path.name} names no continent in row {number}: they are {', '.join(SLUGS)}.", exit_code=2
        )
    return SLUGS.index(slug)


def _cut(text: str | None, most: int) -> str | None:
    return text.encode()[:most].decode(errors="ignore") if text else None
