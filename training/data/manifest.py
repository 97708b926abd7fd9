"""Manifests: a CSV that lists a folder's photos, read into records, and written back without places."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from training.data import columns, schema
from training.data.item import FIELDS, Item
from worker.errors import Refuse

MOST_BYTES: Final = 256 * 1024 * 1024
MOST_ROWS: Final = 100_000
"""Near-duplicates are looked for among all pairs, which is what bounds a data set here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a manifest says beside the record: a label may be made from it, and nothing else is.

    `coordinates` are (latitude, longitude) in degrees. Nothing of this is ever shown or written.
    """

    coordinates: tuple[float, float] | None = field(default=None, repr=False)
    caption: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    timezone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a manifest: its number (the first after the headings is 1) and its record.

    `item` is None where the row is not valid, and `faults` then names the fields that are wrong.
    """

    number: int
    item: Item | None
    faults: tuple[str, ...]
    hints: Hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The rows of one file, in its order, and the folder that their photos lie in."""

    folder: Path
    rows: tuple[Row, ...]

    def valid(self) -> Iterator[tuple[Row, Item]]:
        """The rows that have a record, with it."""
        return ((row, row.item) for row in self.rows if row.item is not None)


def read(path: Path, *, photos: Path | None = None) -> Manifest:
    """Read a manifest: UTF-8, a header line; columns by `columns.ALIASES`, others are passed over.

    A row that breaks the schema is kept without a record. So is every further row of an `image_id` that an
    earlier one has.

    Args:
        path: the CSV, or a folder that holds a `manifest.csv`.
        photos: the folder of the photos; default: the CSV's own.

    Raises:
        Refuse: the file cannot be read, is too large, names no photos or one field twice.
    """
    path = file_of(path)
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        fields = _fields(next(reader, []), path)
        lines = list(reader)
    except csv.Error as exc:
        raise Refuse(
            f"{path.name} is not a CSV near its line {reader.line_num}: mend it.", exit_code=2
        ) from exc
    if len(lines) > MOST_ROWS:
        raise Refuse(f"{path.name} has more than {MOST_ROWS} rows: split it into several.", exit_code=2)
    rows = [_row(number, fields, line) for number, line in enumerate(lines, start=1) if line]
    return Manifest(folder=photos or path.parent, rows=tuple(_unique(rows)))


def file_of(path: Path) -> Path:
    """The manifest's file: the path itself, or the `manifest.csv` of the folder that it is."""
    return path / "manifest.csv" if path.is_dir() else path


def write(path: Path, items: Iterable[Item]) -> None:
    """Write records as a manifest in the schema's own columns; there is none for coordinates.

    Raises:
        Refuse: the file cannot be written.
    """
    write_table(path, FIELDS, ([_cell(item.document()[name]) for name in FIELDS] for item in items))


def write_table(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV with these headings, whole or not at all.

    Raises:
        Refuse: the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(headings)
            writer.writerows(rows)
        beside.replace(path)
    except OSError as exc:
        raise Refuse(f"{path} cannot be written: {exc.strerror}.", exit_code=2) from exc


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise Refuse(f"{path.name} is larger than {MOST_BYTES >> 20} MiB: split it.", exit_code=2)
        return raw.decode("utf-8-sig")
    except OSError as exc:
        raise Refuse(
            f"{path} cannot be read: give a manifest, or a folder that holds a manifest.csv.", exit_code=2
        ) from exc
    except UnicodeDecodeError as exc:
        raise Refuse(f"{path.name} is not UTF-8: save it as UTF-8.", exit_code=2) from exc


def _fields(headings: Sequence[str], path: Path) -> list[str | None]:
    fields = [columns.field_of(heading) for heading in headings]
    twice = [name for name, times in Counter(filter(None, fields)).items() if times > 1]
    if twice:
        raise Refuse(f"{path.name} has two columns for {twice[0]}: remove one of them.", exit_code=2)
    if "image_id" not in fields:
        raise Refuse(
            f"{path.name} names no photos: its first line needs a column image_id, path or file.", exit_code=2
        )
    return fields


def _row(number: int, fields: Sequence[str | None], line: Sequence[str]) -> Row:
    if len(line) != len(fields):
        return Row(number=number, item=None, faults=("row",), hints=Hints())
    given = {name: cell for name, cell in zip(fields, line, strict=True) if name is not None}
    document, hints = _document(given)
    faults = schema.faults(document)
    return Row(number=number, item=None if faults else Item(**document), faults=faults, hints=hints)


def _document(given: dict[str, str]) -> tuple[dict[str, Any], Hints]:
    """The record that a row's cells describe, not yet checked, and what the row says beside it."""
    said = {name: columns.value(name, cell) for name, cell in given.items()}
    place = columns.coordinates(said.get("latitude"), said.get("longitude"))
    words = {name: given.get(name, "").strip() or None for name in ("caption", "language", "timezone")}
    hints = Hints(coordinates=place, **words)
    document = {name: said.get(name) for name in FIELDS}
    if document["gps_included"] is None:
        document["gps_included"] = place is not None
    if document["group"] is None:
        document["group"] = document["image_id"]
    if document["label_method"] is None and document["continent_label"] is not None:
        document["label_method"] = "manifest"
    if document["consent_basis"] is None:
        document["consent_basis"] = "licence" if document["license"] else "unknown"
    return document, hints


def _unique(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, those whose photo has a row already without their record."""
    seen: set[str] = set()
    for row in rows:
        if row.item is not None and row.item.image_id in seen:
            yield Row(number=row.number, item=None, faults=("image_id",), hints=row.hints)
            continue
        if row.item is not None:
            seen.add(row.item.image_id)
        yield row


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
