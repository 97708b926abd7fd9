"""Small data sets that tests make: pictures with a look of their own, and the manifests that list them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from training.data.item import Item
from worker.record import Pixels

Row = Mapping[str, str]


def scene(seed: int, *, height: int = 96, width: int = 128) -> Pixels:
    """A picture of smooth random patches, uint8 (height, width, 3); every seed looks different."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """A JPEG file of a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def manifest(folder: Path, rows: Sequence[Row], name: str = "manifest.csv") -> Path:
    """Write a manifest whose columns are those of the first row."""
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def dataset(folder: Path, rows: Sequence[Row]) -> Path:
    """Write a manifest and a picture for each of its rows; the n-th row's picture is scene n."""
    for seed, row in enumerate(rows):
        (folder / row["path"]).write_bytes(jpeg(scene(seed)))
    return manifest(folder, rows)


def row(path: str, continent: str = "Europe", **cells: str) -> dict[str, str]:
    """A row as shared manifests have them."""
    return {
        "path": path,
        "lat": "",
        "lon": "",
        "continent": continent,
        "source_repo": "someone/somewhere",
        "licence": "CC BY 4.0",
        "attribution": "A. Example",
        "group": "",
    } | cells


def item(number: int = 0, **fields: object) -> Item:
    """A record, valid but for what is asked otherwise."""
    base: dict[str, object] = {
        "image_id": f"{number}.jpg",
        "continent_label": "europe",
        "gps_included": False,
        "timestamp": None,
        "camera_model": None,
        "license": "CC BY 4.0",
        "data_split": None,
        "group": f"g{number}",
        "source": "s",
        "attribution": None,
        "label_method": "manifest",
        "label_confidence": None,
        "consent_basis": "licence",
        "sensitive": None,
    }
    return Item(**(base | fields))  # type: ignore[arg-type]
