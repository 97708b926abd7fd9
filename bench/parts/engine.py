"""The engine alone, in process: the very backend that Triton runs, as many instances of it, without Triton.

Its file imports Triton's module for backends, which is there inside Triton alone: a few lines take its place.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferenceServerClient

from bench.parts.child import Samples, Spec, answer
from bench.parts.names import ALONE, batch
from bench.parts.prepared import prepared
from bench.parts.sample import Sample, Watch
from worker.edges.triton import BACKBONE, HEADS
from worker.errors import Refuse
from worker.settings import load

Array = npt.NDArray[Any]
Config = dict[str, Any]


def measure(spec: Spec) -> Samples:
    """Run one instance photo by photo, then all of them with every batch size that the engine takes.

    The sizes go up to `largest` (null: as far as Triton goes). Further, the spec has `repository` and `mix`
    (folders), `triton` (host:port) that serves the same repository, `seconds` (of a repetition) and
    `repetitions`.
    """
    repository, wanted = Path(spec["repository"]), configs(spec["triton"])
    count = wanted[BACKBONE]["instance_group"][0]["count"]
    for config in wanted.values():
        # Every size is run once before the engine is ready: what is not measured is not waited for.
        config["max_batch_size"] = spec["largest"] or config["max_batch_size"]
    with ThreadPoolExecutor(count) as threads:
        instances = list(threads.map(lambda _: Instance(repository, wanted), range(count)))
    pixels = np.stack([each.pixels for each in prepared(Path(spec["mix"]), load())])
    samples: dict[str, list[Sample]] = {}
    # Round after round, so that a noisy moment falls on every size and not on one.
    for _ in range(spec["repetitions"]):
        samples.setdefault(ALONE, []).append(_sample(instances[:1], pixels, 1, spec["seconds"]))
        for size in range(1, instances[0].largest + 1):
            found = _sample(instances, pixels, size, spec["seconds"])
            samples.setdefault(batch(size), []).append(found)
    return samples


def _sample(instances: Sequence[Instance], pixels: Array, size: int, seconds: float) -> Sample:
    batches = [pixels[np.arange(start, start + size) % len(pixels)] for start in range(len(pixels))]
    with ThreadPoolExecutor(len(instances)) as threads:
        watch = Watch("engine")

        def work(instance: Instance) -> int:
            """Run batch after batch; return how many photos that were."""
            done = 0
            while watch.elapsed() < seconds or not done:
                instance(batches[done % len(batches)])
                done += 1
            return done * size

        return watch.sample(sum(threads.map(work, instances)))


class Instance:
    """Both models of a runtime repository, one after the other, each loaded by its own backend."""

    def __init__(self, repository: Path, wanted: Mapping[str, Config]) -> None:
        self._backbone, self._heads = (
            InProcess(repository / model, wanted[model]) for model in (BACKBONE, HEADS)
        )
        self.largest = self._backbone.largest

    def __call__(self, photos: Array) -> Array:
        """Logits, float32 (n, heads, labels), of photos without evidence, uint8 (n, size, size, 3)."""
        (embedding,) = self._backbone([photos]).values()
        beside = [np.zeros((len(photos), *sides), np.float32) for sides in self._heads.takes[1:]]
        return next(iter(self._heads([embedding, *beside]).values()))


class InProcess:
    """One model of a runtime repository, loaded by its own backend; `takes` are its inputs' dims.

    Raises:
        Refuse: the repository's engines are not for the CPU.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        code = folder / "1" / "model.py"
        if not code.is_file():
            raise Refuse(f"{folder} holds no engine for the CPU: build one with `pangaea models build`.")
        sys.modules["triton_python_backend_utils"] = _triton()
        self.largest: int = config["max_batch_size"]
        self._inputs: list[str] = [each["name"] for each in config["input"]]
        self.takes = [tuple(map(int, each["dims"])) for each in config["input"]]
        self._model = _loaded(code, folder.name).TritonPythonModel()
        self._model.initialize(
            {"model_config": json.dumps(config), "model_repository": str(folder), "model_version": "1"}
        )

    def __call__(self, batch: Sequence[Array]) -> dict[str, Array]:
        """Run one batch, every input (n, …), and return every output, (n, …), by its name."""
        (response,) = self._model.execute([_Request(dict(zip(self._inputs, batch, strict=True)))])
        return {each.name: each.array for each in response.tensors}


def configs(triton: str) -> dict[str, Config]:
    """Ask a running Triton (host:port) how it has configured both models: what it hands to their backends."""
    with InferenceServerClient(triton) as client:
        return {model: client.get_model_config(model, as_json=True)["config"] for model in (BACKBONE, HEADS)}


def _loaded(code: Path, model: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"backend_of_{model}", code)
    if spec is None or spec.loader is None:
        raise Refuse(f"{code} cannot be loaded: build the engines anew with `pangaea models build`.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    array: Array

    def as_numpy(self) -> Array:
        return self.array


@dataclass(frozen=True, slots=True)
class _Request:
    inputs: Mapping[str, Array]

    def is_cancelled(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Response:
    tensors: list[_Tensor]


def _triton() -> ModuleType:
    """What a backend needs of `triton_python_backend_utils`."""
    module = ModuleType("triton_python_backend_utils")
    given: dict[str, Any] = {
        "TritonModelException": Refuse,
        "Tensor": _Tensor,
        "InferenceResponse": _Response,
        "get_input_tensor_by_name": lambda request, wanted: _Tensor(wanted, request.inputs[wanted]),
    }
    for key, value in given.items():
        setattr(module, key, value)
    return module


if __name__ == "__main__":
    answer(measure)
