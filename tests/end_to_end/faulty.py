"""A Triton repository whose engine fails on purpose.

It is told by a photo's colour what to do with it, and fails on every photo while the file `ill` lies beside
the repository; while the file `slow` does, every photo takes as long as a slow one. A photo of the colour
HELD waits for as long as the file `held` lies there.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from worker.record import SLUGS

MODELS = ("efficientnet", "fusion", "continent")
WELL, RAISES, SLOW, SPOILS = (40, 40, 40), (250, 0, 0), (0, 250, 0), (0, 0, 250)
HELD = (130, 130, 130)
SPOILED_SECONDS = 0.02
"""How long a batch takes that one of its photos spoils for all: the next fills up meanwhile."""

SLOW_SECONDS = 3.0
ILL_FILE, SLOW_FILE, HELD_FILE = "ill", "slow", "held"
HELD_SECONDS = 120.0
"""The longest: nobody waits for ever, should the file be forgotten."""

HELD_MS = f"{HELD_SECONDS * 1000:.0f}"
"""For settings: as patient is who asks once for a photo that is held."""

ENGINE = f"""
import pathlib
import time
import numpy as np
import triton_python_backend_utils as backend

class TritonPythonModel:
    def execute(self, requests):
        images = [backend.get_input_tensor_by_name(each, "image").as_numpy() for each in requests]
        if any((image[:, 130, 130, 2] > 200).any() for image in images):
            time.sleep({SPOILED_SECONDS})
            raise ValueError("a batch that it cannot digest")
        return [self.answer(request) for request in requests]

    def answer(self, request):
        beside = pathlib.Path(__file__).parents[3]
        if (beside / "{ILL_FILE}").exists():
            return backend.InferenceResponse(error=backend.TritonError("no memory left on the device"))
        image = backend.get_input_tensor_by_name(request, "image").as_numpy()
        red, green, _ = image[:, 130, 130].max(axis=0)
        if red > 200:
            return backend.InferenceResponse(error=backend.TritonError("a photo that it cannot digest"))
        until = time.monotonic() + {HELD_SECONDS}
        while 100 < green < 200 and (beside / "{HELD_FILE}").exists() and time.monotonic() < until:
            time.sleep(0.01)
        slow = green > 200 or (beside / "{SLOW_FILE}").exists()
        if slow and not request.is_cancelled():
            time.sleep({SLOW_SECONDS})
        logits = np.zeros((image.shape[0], 5, 7), np.float32)
        logits[:, :, 3] = np.linspace(4, 5, 5)
        return backend.InferenceResponse([backend.Tensor("stage1_logits", logits)])
"""


@contextmanager
def beside(settings: Mapping[str, str], name: str) -> Iterator[None]:
    """Meanwhile a file of this name lies beside the repository whose card the worker is told of."""
    file = Path(settings["PANGAEA_CARD"]).parent / name
    file.touch()
    try:
        yield
    finally:
        file.unlink()


def photo(colour: tuple[int, int, int], side: int = 300) -> bytes:
    """A plain JPEG that tells the engine what to do; a larger one takes longer to decode."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def repository(folder: Path) -> tuple[Path, Path]:
    """Write the repository and a card that fits it; return the paths of both."""
    sources = {name: hashlib.sha256(name.encode()).hexdigest() for name in MODELS[:2]}
    for name in MODELS:
        version = folder / "models" / name / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(ENGINE)
        stated = {"source_sha256": sources.get(name, "0" * 64), "precision": "fp32", "target": "cpu"}
        parameters = "".join(
            f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
            for key, value in stated.items()
        )
        (version.parent / "config.pbtxt").write_text(
            f'name: "{name}"\nbackend: "python"\nmax_batch_size: 8\n'
            'input [{ name: "image" data_type: TYPE_UINT8 dims: [260, 260, 3] }]\n'
            'output [{ name: "stage1_logits" data_type: TYPE_FP32 dims: [5, 7] }]\n'
            "dynamic_batching {}\ninstance_group [{ count: 2 kind: KIND_CPU }]\n" + parameters
        )
    golden = photo(WELL)
    (folder / "golden.jpg").write_bytes(golden)
    card = {
        "schema": "pangaea.card.v1",
        "id": "faulty",
        "labels": list(SLUGS),
        "preprocessing": {
            "size": 260,
            "crop": 0.875,
            "interpolation": "bicubic",
            "color": "RGB",
            "layout": "NHWC",
            "dtype": "uint8",
        },
        "heads": 5,
        "interval": {"method": "bootstrap", "coverage": 0.95, "student_t": 2.7764451051977987},
        "precisions": {
            "fp32": {
                "temperature": 1.0,
                "conformal": {"method": "lac", "coverage": 0.9, "quantile": 0.9, "validated": True},
                "threshold": {"theta": 0.5},
            }
        },
        "sources": {name: {"file": name, "sha256": digest} for name, digest in sources.items()},
        "source_sha256": hashlib.sha256("\n".join(sources.values()).encode()).hexdigest(),
        "golden": {
            "tolerance": 0.99,
            "photos": [
                {
                    "file": "golden.jpg",
                    "sha256": hashlib.sha256(golden).hexdigest(),
                    "probabilities": dict.fromkeys(SLUGS, 1 / 7),
                }
            ],
        },
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder / "models", folder / "card.json"
