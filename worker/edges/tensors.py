"""The tensors of a request to the ensemble and of its answer: names, types, shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferInput

from worker.record import STREAMS, Answer, Prepared

IMAGE, EVIDENCE = "image", "evidence"
OUTPUTS = ("stage1_logits", "stage2_logits", "gates")
"""In the order of `Answer`."""

CLOSED = np.zeros(len(STREAMS), np.float32)
"""The gates of an engine that takes no evidence."""


def inputs(photos: Sequence[Prepared], *, evidence: bool) -> list[InferInput]:
    """A request's tensors: the image, uint8 (n, size, size, 3), and the evidence, float32 (n, 63)."""
    image = _input(IMAGE, "UINT8", [each.pixels for each in photos])
    return [image, told(photos)] if evidence else [image]


def told(photos: Sequence[Prepared]) -> InferInput:
    """The tensor of what the photos' metadata say, float32 (n, 63)."""
    return _input(EVIDENCE, "FP32", [each.evidence.vector() for each in photos])


def answers(parts: Sequence[npt.NDArray[np.float32]]) -> list[Answer]:
    """Each photo's answer, from the tensors of OUTPUTS, or from the image's alone."""
    if len(parts) == 1:
        return [Answer(stage1=logits, stage2=logits, gates=CLOSED) for logits in parts[0]]
    return [Answer(stage1=one, stage2=two, gates=gates) for one, two, gates in zip(*parts, strict=True)]


def _input(name: str, kind: str, arrays: Sequence[npt.NDArray[Any]]) -> InferInput:
    # The usual case, one photo, without a copy.
    together = arrays[0][np.newaxis] if len(arrays) == 1 else np.stack(arrays)
    made = InferInput(name, list(together.shape), kind)
    made.set_data_from_numpy(together)
    return made
