"""The reference that every engine is compared with: the ONNX file itself, in float32 on the CPU."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from worker.record import Pixels

BATCH = 8


def run(model: bytes, inputs: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Run a one-input, one-output ONNX model over `inputs` in batches of 8; returns float32 (n, …)."""
    import onnxruntime  # noqa: PLC0415 - 0.2 s, and the models extra only

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: inputs[i : i + BATCH]})[0] for i in range(0, len(inputs), BATCH)]
    return np.concatenate(parts).astype(np.float32)


def onnx_embeddings(backbone: bytes, photos: Pixels) -> npt.NDArray[np.float32]:
    """Embeddings of photos, uint8 (n, size, size, 3), by the backbone's ONNX file: float32 (n, width)."""
    return run(backbone, photos)


def onnx_logits(heads: bytes, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Head outputs, float32 (n, heads, labels), of embeddings (n, width) by the fusion's ONNX file."""
    return run(heads, np.ascontiguousarray(embeddings, dtype=np.float32))
