"""The backend's handling of requests, outside Triton: a cancelled one is answered without being run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from training.engines import repository

BACKEND = Path(repository.__file__).with_name("backend.py")


class Request(SimpleNamespace):
    """A request as Triton hands it over."""

    def is_cancelled(self) -> bool:
        """Whether its sender has gone."""
        return bool(self.gone)


class Failure(SimpleNamespace):
    """Triton's error value."""

    CANCELLED = "cancelled"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The backend's module beside a stand-in for the module that only exists inside Triton."""
    utils: Any = ModuleType("triton_python_backend_utils")
    utils.TritonError = lambda message, code: Failure(message=message, code=code)
    utils.TritonError.CANCELLED = Failure.CANCELLED
    utils.Tensor = lambda name, array: SimpleNamespace(name=name, array=array)
    utils.InferenceResponse = lambda outputs=(), error=None: SimpleNamespace(outputs=outputs, error=error)
    utils.get_input_tensor_by_name = lambda request, name: SimpleNamespace(
        as_numpy=lambda: request.arrays[name]
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", utils)
    spec = importlib.util.spec_from_file_location("backend_under_test", BACKEND)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cancelled_requests_are_answered_and_not_run(backend: ModuleType) -> None:
    """Of four requests the second is cancelled: three are run as one batch, each gets its own rows back.

    With two inputs and two outputs, as the heads have with evidence.
    """
    model = backend.TritonPythonModel()
    model._inputs, model._outputs = ["x", "evidence"], ["y", "gates"]
    ran: list[int] = []

    def run(batch: list[np.ndarray]) -> list[np.ndarray]:
        x, evidence = batch
        ran.append(len(x))
        return [x * 10, evidence - x]

    model._run = run
    arrays = [np.full((rows, 1), rows, dtype=np.float32) for rows in (1, 2, 3, 1)]
    requests = [
        Request(gone=index == 1, arrays={"x": array, "evidence": array * 3})
        for index, array in enumerate(arrays)
    ]
    answers = model.execute(requests)
    assert ran == [5]
    assert answers[1].error.code == Failure.CANCELLED
    for index in (0, 2, 3):
        assert answers[index].error is None
        y, gates = answers[index].outputs
        assert (y.name, gates.name) == ("y", "gates")
        assert y.array.tolist() == (arrays[index] * 10).tolist()
        assert gates.array.tolist() == (arrays[index] * 2).tolist()


def test_nothing_is_run_when_everybody_has_gone(backend: ModuleType) -> None:
    """A batch of cancelled requests costs no inference."""
    model = backend.TritonPythonModel()
    model._inputs, model._outputs = ["x"], ["y"]
    model._run = lambda _batch: pytest.fail("it was run")
    (answer,) = model.execute([Request(gone=True, arrays={"x": np.zeros((1, 1))})])
    assert answer.error.code == Failure.CANCELLED
