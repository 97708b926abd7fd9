"""An OpenVINO engine behind Triton's python backend: this file is copied into the repository as `model.py`.

It runs in Triton's own environment (numpy 1.26, OpenVINO, nothing of Pangaea), one process an instance.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import triton_python_backend_utils as pb_utils

_DTYPES = {"TYPE_UINT8": np.uint8, "TYPE_FP32": np.float32}
# What is not quantised in an INT8 engine runs in float32: such engines are for processors without bf16.
_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


class TritonPythonModel:
    """One instance of an engine; Triton calls initialize once and execute for every batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the file that the configuration names, and run every batch size once.

        Raises:
            TritonModelException: the file's hash is not the configuration's.
        """
        config = json.loads(args["model_config"])
        parameter = {name: value["string_value"] for name, value in config["parameters"].items()}
        path = Path(args["model_repository"]) / args["model_version"] / parameter["file"]
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != parameter["sha256"]:
            raise pb_utils.TritonModelException(
                f"{path.name} of {args['model_name']} has changed since it was built"
                f" (sha256 {found[:12]}, built with {parameter['sha256'][:12]}): run pangaea models build"
            )
        self._inputs: list[str] = [one["name"] for one in config["input"]]
        self._outputs: list[str] = [one["name"] for one in config["output"]]
        self._request = _compile(data, parameter, config["max_batch_size"]).create_infer_request()
        shapes = [(tuple(map(int, one["dims"])), _DTYPES[one["data_type"]]) for one in config["input"]]
        for size in range(1, config["max_batch_size"] + 1):
            # A batch size that was never seen stalls for half a second: see each before reporting ready.
            self._run([np.zeros((size, *shape), dtype) for shape, dtype in shapes])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request of the batch; those whose sender has gone are not run."""
        responses: list[Any] = [None] * len(requests)
        waiting, taken = [], []
        for index, request in enumerate(requests):
            if request.is_cancelled():
                gone = pb_utils.TritonError("cancelled before it ran", pb_utils.TritonError.CANCELLED)
                responses[index] = pb_utils.InferenceResponse(error=gone)
            else:
                waiting.append(index)
                taken.append([_array(request, name) for name in self._inputs])
        if waiting:
            alone = len(taken) == 1
            outputs = self._run(
                taken[0] if alone else [np.concatenate(column) for column in zip(*taken, strict=True)]
            )
            start = 0
            for index, arrays in zip(waiting, taken, strict=True):
                rows = slice(start, start + len(arrays[0]))
                start = rows.stop
                named = zip(self._outputs, outputs, strict=True)
                responses[index] = pb_utils.InferenceResponse(
                    [pb_utils.Tensor(name, output[rows]) for name, output in named]
                )
        return responses

    def _run(self, batch: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        self._request.infer(dict(zip(self._inputs, batch, strict=True)), share_inputs=True)
        # Copies: the request's own memory is overwritten by the next batch.
        return [np.array(self._request.get_tensor(name).data) for name in self._outputs]


def _array(request: Any, name: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - Triton's, untyped
    array: np.ndarray[Any, Any] = pb_utils.get_input_tensor_by_name(request, name).as_numpy()
    return array


def _compile(data: bytes, parameter: dict[str, str], largest: int) -> openvino.CompiledModel:
    core = openvino.Core()
    model = core.read_model(data)
    model.reshape({each.any_name: _batched(each.partial_shape, largest) for each in model.inputs})
    # What this process may use, which in a container is less than what the machine has.
    threads = min(int(parameter["threads"]), len(os.sched_getaffinity(0)))
    return core.compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            # Or every instance, each a process that knows of no other, would take the first processor.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": _HINTS[parameter["precision"]],
        },
    )


def _batched(shape: openvino.PartialShape, largest: int) -> openvino.PartialShape:
    shape[0] = openvino.Dimension(1, largest)
    return shape
