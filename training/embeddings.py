"""Embeddings of the training photos: committed, so that heads are refitted anywhere without the photos.

One `.npz` without pickle: `embedding` float16 (photos, width), `label` int64, `group` and `source` strings,
`backbone` the sha256 of the ONNX file that made them. No coordinates, no file names.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.dataset import decodable, load_photos
from training.engines.reference import onnx_embeddings
from worker.errors import Refuse
from worker.prepare.decode import Target

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Photos as a backbone sees them: `x` (photos, width) float64, labels index `worker.record.SLUGS`."""

    x: Matrix
    label: Labels
    group: Names
    source: Names
    backbone_sha256: str

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Embeddings:
        """The photos of these rows, in their order."""
        return Embeddings(
            x=self.x[rows],
            label=self.label[rows],
            group=self.group[rows],
            source=self.source[rows],
            backbone_sha256=self.backbone_sha256,
        )

    def __len__(self) -> int:
        return len(self.label)


def compute(folder: Path, backbone: bytes, target: Target) -> Embeddings:
    """Decode and embed the training photos of `folder` with an ONNX backbone, in float32 on the CPU.

    Raises:
        Refuse: the folder has no usable manifest.
    """
    photos, pixels = decodable(load_photos(folder), target)
    return Embeddings(
        # Rounded to what the file holds, so that fitting now and fitting later from the file agree.
        x=onnx_embeddings(backbone, np.stack(pixels)).astype(np.float16).astype(np.float64),
        label=np.array([photo.label for photo in photos], dtype=np.int64),
        group=np.array([photo.group for photo in photos]),
        source=np.array([photo.source for photo in photos]),
        backbone_sha256=hashlib.sha256(backbone).hexdigest(),
    )


def save(embeddings: Embeddings, path: Path) -> None:
    """Write the file; the same embeddings give the same bytes."""
    arrays = {
        "embedding": embeddings.x.astype(np.float16),
        "label": embeddings.label,
        "group": embeddings.group,
        "source": embeddings.source,
        "backbone": np.array(embeddings.backbone_sha256),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            # numpy.savez stamps the time of day on its entries; a fixed date keeps the file's hash.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def load(path: Path) -> Embeddings:
    """Read the file.

    Raises:
        Refuse: it is missing or is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return Embeddings(
                x=file["embedding"].astype(np.float64),
                label=file["label"],
                group=file["group"],
                source=file["source"],
                backbone_sha256=str(file["backbone"]),
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as exc:
        raise Refuse(f"{path.name} is not a file of embeddings: restore it, or run training.train --photos.") from exc
