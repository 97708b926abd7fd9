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

_READ: Final = frozenset({"image_id", "continent_label", "group", "source", "label_method", *_LONGEST})


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
    source), captiontext, languagetag, timezone and label_method. A row without a continent or of one that
    there is not, of a file that is missing, unreadable or an earlier row's, or of a synthetic picture is
    passed over and counted. Beside path or file, image_id is a name and no file. Coordinates are not read.

    Args:
        path: the CSV, or a folder that holds a `manifest.csv`; files are named relative to its folder.

    Raises:
        Refuse: it cannot be read, lacks a column, has two for one field, or no photo is left.
    """
    path = path / "manifest.csv" if path.is_dir() else path
    rows = _rows(path)
    photos: dict[Path, LabelledPhoto] = {}
    why: Counter[str] = Counter()
    for row in rows:
        slug = value("continent_label", row.get("continent_label", ""))
        place = _file(path.parent, row.get("image_id"))
        if slug is None:
            why["unlabelled"] += 1
        elif slug not in SLUGS:
            why["unknown_continent"] += 1
        elif row.get("label_method", "").casefold() == "synthetic":
            why["synthetic"] += 1
        elif place is None:
            why["missing"] += 1
        elif place in photos:
            why["repeated"] += 1
        elif not _readable(place):
            why["unreadable"] += 1
        else:
            photos[place] = _photo(place, row, SLUGS.index(str(slug)))
    if not photos:
        told = ", ".join(f"{count} {reason}" for reason, count in why.items()) or "it has no rows"
        raise Refuse(
            f"{path.name} gives no photo to judge by ({told}): name a manifest of photos that are there,"
            f" labelled {', '.join(SLUGS)}."
        )
    return Labelled(photos=tuple(photos.values()), passed_over=dict(why))


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows by field, empty cells left out."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refuse(f"{path.name} is larger than {MOST_BYTES >> 20} MiB: split it.", exit_code=2)
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = _names(list(reader.fieldnames or ()), path)
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


def _names(columns: list[str], path: Path) -> dict[str, str]:
    """The columns that are read, each with its field."""
    wanted = [(name, field_of(name)) for name in columns]
    found = [(name, own) for name, own in wanted if own in _READ]
    if any(own == "image_id" and not _is_id(name) for name, own in found):
        found = [(name, own) for name, own in found if not _is_id(name)]
    times = Counter(own for _, own in found)
    if not {"image_id", "continent_label"} <= set(times):
        raise Refuse(
            f"{path.name} is no manifest of labelled photos: its first line needs a column path (or"
            " file) and a column continent.",
            exit_code=2,
        )
    twice = next((own for own, count in times.items() if count > 1), None)
    if twice is not None:
        which = "the file" if twice == "image_id" else twice
        raise Refuse(f"{path.name} has two columns for {which}: remove one of them.", exit_code=2)
    return {name: own for name, own in found if own is not None}


def _is_id(column: str) -> bool:
    return column.strip().casefold() == "image_id"


def _file(folder: Path, name: str | None) -> Path | None:
    """The file of this name, in its one true spelling; None where there is no such file."""
    try:
        place = (folder / name).resolve(strict=True) if name else None
        return place if place is not None and place.is_file() else None
    except (OSError, ValueError, RuntimeError):
        # Too long a name, a folder that may not be entered, a NUL, a circle of links.
        return None


def _readable(place: Path) -> bool:
    try:
        with place.open("rb"):
            return True
    except OSError:
        return False


def _photo(place: Path, row: dict[str, str], label: int) -> LabelledPhoto:
    collected = row.get("source")
    return LabelledPhoto(
        path=place,
        label=label,
        group=row.get("group") or str(place),
        source=source_of(collected) if collected else ONE_SOURCE,
        **{name: _cut(row.get(name), most) for name, most in _LONGEST.items()},
    )


def _cut(text: str | None, most: int) -> str | None:
    return text.encode()[:most].decode(errors="ignore") if text else None
