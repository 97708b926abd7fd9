"""The CSV that gives published photos their metadata: a row a file, columns named for the headers."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from worker.clients.publish import Metadata
from worker.errors import Refuse

COLUMNS = {"captiontext": "caption", "languagetag": "language", "timezone": "timezone", "key": "key"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """Metadata by file, for files named relative to the manifest's own folder (or absolutely)."""

    rows: dict[Path, Metadata]
    default: Metadata

    def of(self, file: Path) -> Metadata:
        """Return the file's metadata, the default where it has no row."""
        return self.rows.get(file.resolve(), self.default)

    def unmatched(self, files: Iterable[Path]) -> int:
        """Return how many rows name none of these files."""
        return len(self.rows.keys() - {file.resolve() for file in files})


def load(path: Path, *, key: str | None = None) -> Manifest:
    """Read a manifest: UTF-8, a header line, a column `file`, and any below; empty cells say nothing.

    Columns: captiontext, languagetag, timezone (each with or without `ce_`), key. Others are ignored.

    Args:
        path: the CSV.
        key: for files without one.

    Raises:
        Refuse: it cannot be read, or no column is one that is known.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            fields = {name: name.strip().removeprefix("ce_") for name in reader.fieldnames or ()}
            if "file" not in fields.values() or not COLUMNS.keys() & set(fields.values()):
                raise Refuse(
                    f"{path} is not a manifest: its first line needs file and one or more of "
                    f"{', '.join(COLUMNS)}.",
                    exit_code=2,
                )
            rows = [
                {fields[name]: cell for name, cell in row.items() if name in fields and cell}
                for row in reader
            ]
    except (OSError, UnicodeError, csv.Error) as exc:
        raise Refuse(f"the manifest {path} cannot be read: {exc}.", exit_code=2) from exc
    return Manifest(
        {(path.parent / row["file"]).resolve(): _metadata(row, key) for row in rows if "file" in row},
        Metadata(key=key),
    )


def _metadata(row: dict[str, str], key: str | None) -> Metadata:
    given = {COLUMNS[name]: cell for name, cell in row.items() if name in COLUMNS}
    return Metadata(**({"key": key} | given))
