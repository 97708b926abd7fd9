"""The reference that every engine is compared with: the ONNX file itself, in float32 on the CPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from training.engines.tensors import signature
from worker.record import Pixels

BATCH = 8

Array = npt.NDArray[np.float32]
Feed = Mapping[str, npt.NDArray[np.generic]]


def answers(model: bytes, feed: Feed) -> dict[str, Array]:
    """Run an ONNX model in batches of 8; by name its outputs, float32 (n, …).

    Args:
        model: the ONNX file.
        feed: by name its inputs, each (n, …).
    """
    import onnxruntime  # noqa: PLC0415 - 0.2 s, and the models extra only

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    parts = [session.run(names, part) for part in batches(feed)]
    columns = zip(*parts, strict=True)
    return {
        name: np.concatenate(column).astype(np.float32) for name, column in zip(names, columns, strict=True)
    }


def batches(feed: Feed) -> list[dict[str, npt.NDArray[np.generic]]]:
    """Cut inputs into batches of at most 8, in order.

    >>> [len(part["x"]) for part in batches({"x": np.zeros((10, 2))})]
    [8, 2]
    """
    count = len(next(iter(feed.values())))
    return [
        {name: values[start : start + BATCH] for name, values in feed.items()}
        for start in range(0, count, BATCH)
    ]


def onnx_embeddings(backbone: bytes, photos: Pixels) -> Array:
    """Embeddings of photos, uint8 (n, size, size, 3), by the backbone's ONNX file: float32 (n, width)."""
    (found,) = answers(backbone, {"image": photos}).values()
    return found


def onnx_logits(heads: bytes, embeddings: Array) -> Array:
    """Stage 1's head outputs, float32 (n, heads, labels), of embeddings (n, width) by the heads' ONNX file.

    Where the file also takes evidence, none is given.
    """
    feed: dict[str, npt.NDArray[np.generic]] = {
        one.name: np.zeros((len(embeddings), *one.dims), dtype=np.float32)
        for one in signature(heads, name="the heads").inputs
    }
    feed["embedding"] = np.ascontiguousarray(embeddings, dtype=np.float32)
    return answers(heads, feed)["stage1_logits"]
