"""How close an engine's answers are to the reference's, on the golden photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.dataset import LIMITS
from training.engines import told
from training.engines.reference import Array, Feed, answers, onnx_embeddings
from training.engines.tensors import signature, tensors
from worker.errors import Refuse
from worker.prepare.decode import Target, decode
from worker.record import Pixels

CROP = 0.875

LEAST_COSINE: Mapping[str, float] = {"fp32": 0.9999, "bf16": 0.95, "fp16": 0.999, "int8": 0.75}
"""An embedding farther from the reference than this fails the build: the calibration would not carry over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Two engines on the same `photos`: largest gap of a value, and the least cosine of two answers."""

    photos: int
    max_abs_difference: float
    min_cosine: float

    def document(self) -> dict[str, Any]:
        """As JSON, rounded to what the measurement carries."""
        return {
            key: value if isinstance(value, int) else float(f"{value:.6g}")
            for key, value in asdict(self).items()
        }


def compare(reference: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> Parity:
    """Compare two sets of answers, both of shape (photos, width).

    >>> compare(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)).max_abs_difference
    0.0
    """
    a, b = reference.astype(np.float64), other.astype(np.float64)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return Parity(
        photos=len(a), max_abs_difference=float(np.abs(a - b).max()), min_cosine=float(cosine.min())
    )


def measure(
    onnx: Mapping[str, bytes],
    model: str,
    golden: tuple[Path, ...],
    run: Callable[[Feed], Mapping[str, Array]],
) -> Parity:
    """Compare an engine with its source on the golden photos, or on noise where there are none.

    Heads that take evidence are asked about every photo with each kind of it (`told.evidence`).

    Args:
        onnx: the sources by name; the heads are asked about what the backbone's source gives.
        model: which of them the engine was made from.
        golden: the photos' files.
        run: the engine, inputs by name to outputs by name.
    """
    photos = golden_pixels(golden, tensors(onnx["efficientnet"], name="efficientnet").input_dims[0])
    feed: dict[str, npt.NDArray[np.generic]] = {}
    if model == "efficientnet":
        feed["image"] = photos
    else:
        feed["embedding"] = onnx_embeddings(onnx["efficientnet"], photos)
        if any(one.name == "evidence" for one in signature(onnx[model], name=model).inputs):
            rows = told.evidence()
            feed = {
                "embedding": np.repeat(feed["embedding"], len(rows), axis=0),
                "evidence": np.tile(rows, (len(photos), 1)),
            }
    expected, found = answers(onnx[model], feed), run(feed)
    asked = len(next(iter(feed.values())))
    flat = [
        np.concatenate([np.reshape(each[name], (asked, -1)) for name in expected], axis=1)
        for each in (expected, found)
    ]
    return replace(compare(*flat), photos=len(photos))


def ensure_close(found: Parity, model: str, precision: str) -> None:
    """Check that an engine is as near to its source as its precision explains.

    Raises:
        Refuse: it is not, or its answers are no numbers.
    """
    if not found.min_cosine >= LEAST_COSINE[precision]:
        raise Refuse(
            f"the {precision} engine of {model} is too far from its source (cosine {found.min_cosine:.4f},"
            f" least {LEAST_COSINE[precision]}): build it with --precision fp32."
        )


def golden_pixels(golden: tuple[Path, ...], size: int) -> Pixels:
    """The golden photos as the engine takes them, uint8 (n, size, size, 3); seeded noise if none."""
    if not golden:
        return np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    target = Target(size=size, crop=CROP)
    return np.stack([decode(path.read_bytes(), LIMITS, target).pixels for path in golden])
