"""An engine that costs next to nothing: a Triton repository with our models' names and shapes, and its card.

What a worker spends on a photo besides decoding and inference shows itself beside it. The model that is asked
answers the same to every photo, without a step to another model; its hashes and golden photos are the
card's, so an unchanged worker takes it for its engine.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from training.engines.config import JOINT, MAX_BATCH
from training.engines.tensors import Signature, Tensor, signature
from training.places import CARD, MODELS
from worker.edges.triton import BACKBONE, HEADS
from worker.errors import Refuse
from worker.finish.probability import posterior
from worker.record import Logits
from worker.settings import TritonSettings

ENSEMBLE: Final = str(TritonSettings.model_fields["model"].default)
ID: Final = "no-op"
PRECISION: Final = "fp32"
"""What the engine says of itself: the precision whose calibration its card must have."""

_BACKEND: Final = '''"""Answers the same to everything; written by Pangaea, for Triton's python backend."""

import json

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.input = config["input"][0]["name"]
        constants = json.loads(config["parameters"]["constants"]["string_value"])
        said = {
            each["name"]: np.broadcast_to(
                np.array(constants[each["name"]], np.float32), [int(side) for side in each["dims"]]
            )
            for each in config["output"]
        }
        self.answers = [
            [pb_utils.Tensor(name, np.stack([values] * count)) for name, values in said.items()]
            for count in range(1, config["max_batch_size"] + 1)
        ]

    def execute(self, requests):
        sizes = [pb_utils.get_input_tensor_by_name(each, self.input).as_numpy().shape[0] for each in requests]
        return [pb_utils.InferenceResponse(self.answers[size - 1]) for size in sizes]
'''

_CONFIG: Final = """name: "{name}"
backend: "python"
max_batch_size: {batch}
input [ {inputs} ]
output [ {outputs} ]
dynamic_batching {{ }}
instance_group [ {{ kind: KIND_CPU, count: 1 }} ]
"""
_TENSOR: Final = '{{ name: "{name}", data_type: {type}, dims: [ {dims} ] }}'


class NoOp(NamedTuple):
    """What was written: the repository that Triton serves, and the card that a worker follows with it."""

    repository: Path
    card: Path


def constants(heads: int, labels: int) -> Logits:
    """The logits that every photo gets, float32 (heads, labels); the heads are not quite of one mind."""
    return np.random.default_rng(0).normal(size=(heads, labels)).astype(np.float32).round(3)


def write(folder: Path, models: Path = MODELS) -> NoOp:
    """Write repository and card below `folder`, for the source models below `models`.

    Raises:
        Refuse: a source model cannot be read.
    """
    try:
        card = json.loads((models / ENSEMBLE / CARD.name).read_text(encoding="utf-8"))
        shapes = {
            model: signature((models / model / "1" / "model.onnx").read_bytes(), name=model)
            for model in (BACKBONE, HEADS)
        }
    except OSError as exc:
        raise Refuse(
            f"{exc.filename} cannot be read ({exc.strerror}): give a folder of models like triton_models."
        ) from exc
    image, heads = shapes[BACKBONE], shapes[HEADS]
    # As the ensemble has it: what the backbone takes, and what the heads take besides the embedding.
    shapes[ENSEMBLE] = Signature(
        inputs=image.inputs + tuple(one for one in heads.inputs if one.name != JOINT), outputs=heads.outputs
    )
    answer = constants(*heads.outputs[0].dims)
    code = {model: _sha256(f"{_BACKEND}{model}{answer.tolist()}".encode()) for model in (BACKBONE, HEADS)}
    together = _sha256("\n".join(code[model] for model in (BACKBONE, HEADS)).encode())
    for model, shape in shapes.items():
        said = {one.name: answer.tolist() if one.dims == answer.shape else 0.0 for one in shape.outputs}
        _model(folder / "models" / model, shape, sha256=code.get(model, together), said=said)
    beside = folder / "card"
    shutil.copytree(models / ENSEMBLE / "golden", beside / "golden", dirs_exist_ok=True)
    document = _card(card, code, together, answer)
    (beside / CARD.name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return NoOp(folder / "models", beside / CARD.name)


def _model(folder: Path, shape: Signature, *, sha256: str, said: dict[str, Any]) -> None:
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1" / "model.py").write_text(_BACKEND, encoding="utf-8")
    config = _CONFIG.format(
        name=folder.name, batch=MAX_BATCH, inputs=_listed(shape.inputs), outputs=_listed(shape.outputs)
    )
    # Within a string of the configuration's, quotes are to be escaped.
    stated = {
        "source_sha256": sha256,
        "precision": PRECISION,
        "target": "cpu",
        "constants": json.dumps(said).replace('"', '\\"'),
    }
    config += "".join(
        f'parameters {{ key: "{key}", value: {{ string_value: "{value}" }} }}\n'
        for key, value in stated.items()
    )
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")


def _listed(tensors: Iterable[Tensor]) -> str:
    return ", ".join(
        _TENSOR.format(name=one.name, type=one.type, dims=", ".join(map(str, one.dims))) for one in tensors
    )


def _card(card: dict[str, Any], code: dict[str, str], together: str, answer: Logits) -> dict[str, Any]:
    """The card of the real models, with other sources, and what these make of the golden photos."""
    block = card["precisions"][PRECISION]
    p = posterior(
        answer,
        temperature=block["temperature"],
        student_t=card["interval"]["student_t"],
        interval=card["interval"]["method"],
    ).p
    probabilities = dict(zip(card["labels"], p.tolist(), strict=True))
    golden = [{**photo, "probabilities": probabilities} for photo in card["golden"]["photos"]]
    return {
        **card,
        "id": ID,
        "precisions": {PRECISION: block},
        "sources": {model: {"file": f"{model}/1/model.py", "sha256": code[model]} for model in code},
        "source_sha256": together,
        "golden": {**card["golden"], "photos": golden},
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
