"""Embeddings of the training photos: committed, so that heads are refitted anywhere without the photos.

One `.npz` without pickle: `fp32` float16 (photos, width) from the ONNX file itself, `bf16` and `int8`
likewise from the engines at those precisions (where they were measured), `label` int64, `group` and `source`
strings, `backbone` the sha256 of the ONNX file. No coordinates, no file names.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training import archive
from training.dataset import decodable, load_photos
from training.engines import openvino_engine
from training.engines.reference import onnx_embeddings
from worker.errors import Refuse
from worker.prepare.decode import Target

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Photos as a backbone sees them, labels index `worker.record.SLUGS`.

    `x` (photos, width) float64 is what heads are fitted on; `bf16` and `int8` are the same photos by the
    engines at those precisions, which is what their calibration must be fitted on.
    """

    x: Matrix
    bf16: Matrix | None
    int8: Matrix | None = None
    label: Labels
    group: Names
    source: Names
    backbone_sha256: str

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Embeddings:
        """The photos of these rows, in their order."""
        return Embeddings(
            x=self.x[rows],
            bf16=None if self.bf16 is None else self.bf16[rows],
            int8=None if self.int8 is None else self.int8[rows],
            label=self.label[rows],
            group=self.group[rows],
            source=self.source[rows],
            backbone_sha256=self.backbone_sha256,
        )

    def served(self) -> dict[str, Matrix]:
        """The embeddings of every precision that they were measured at."""
        measured = {"fp32": self.x, "bf16": self.bf16, "int8": self.int8}
        return {name: x for name, x in measured.items() if x is not None}

    def __len__(self) -> int:
        return len(self.label)


def compute(
    folder: Path,
    backbone: bytes,
    target: Target,
    *,
    quantised: bytes | None = None,
    without: frozenset[str] | None = None,
) -> Embeddings:
    """Decode and embed the training photos of `folder` with an ONNX backbone, on the CPU.

    Args:
        folder: photos and their manifest.
        backbone: the ONNX file.
        target: the preprocessing.
        quantised: the same backbone in 8-bit integers, if there is one.
        without: groups left out; default: those of the example photos.

    Raises:
        Refuse: the folder has no usable manifest.
    """
    photos, decoded = decodable(load_photos(folder, without=without), target)
    if not photos:
        raise Refuse(f"{folder} has no photo to fit on: its manifest lists none that can be decoded.")
    pixels = np.stack(decoded)
    # Without the instructions a CPU only imitates bf16, and calibrating on an imitation proves nothing.
    bf16 = openvino_engine.settle("auto") == "bf16"
    return Embeddings(
        x=_rounded(onnx_embeddings(backbone, pixels)),
        bf16=_rounded(openvino_engine.run(backbone, pixels, precision="bf16")) if bf16 else None,
        int8=_rounded(openvino_engine.run(quantised, pixels, precision="int8")) if quantised else None,
        label=np.array([photo.label for photo in photos], dtype=np.int64),
        group=np.array([photo.group for photo in photos]),
        source=np.array([photo.source for photo in photos]),
        backbone_sha256=hashlib.sha256(backbone).hexdigest(),
    )


def _rounded(values: npt.NDArray[np.float32]) -> Matrix:
    """Rounded to what the file holds, so that fitting now and fitting later from the file agree."""
    return values.astype(np.float16).astype(np.float64)


def save(embeddings: Embeddings, path: Path) -> None:
    """Write the file; the same embeddings give the same bytes."""
    arrays: dict[str, npt.NDArray[Any]] = {
        **{name: x.astype(np.float16) for name, x in embeddings.served().items()},
        "label": embeddings.label,
        "group": embeddings.group,
        "source": embeddings.source,
        "backbone": np.array(embeddings.backbone_sha256),
    }
    archive.write(path, arrays)


def load(path: Path) -> Embeddings:
    """Read the file.

    Raises:
        Refuse: it is missing or is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return Embeddings(
                x=file["fp32"].astype(np.float64),
                bf16=file["bf16"].astype(np.float64) if "bf16" in file else None,
                int8=file["int8"].astype(np.float64) if "int8" in file else None,
                label=file["label"],
                group=file["group"],
                source=file["source"],
                backbone_sha256=str(file["backbone"]),
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as exc:
        raise Refuse(
            f"{path.name} is not a file of embeddings: restore it, or run training.train --photos."
        ) from exc
