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
        self._input: str = config["input"][0]["name"]
        self._output: str = config["output"][0]["name"]
        self._request = _compile(data, parameter, config["max_batch_size"]).create_infer_request()
        shape, kind = config["input"][0]["dims"], config["input"][0]["data_type"]
        dtype = np.uint8 if kind == "TYPE_UINT8" else np.float32
        for size in range(1, config["max_batch_size"] + 1):
            # A batch size that was never seen stalls for half a second: see each before reporting ready.
            self._run(np.zeros((size, *map(int, shape)), dtype))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request of the batch; those whose sender has gone are not run."""
        responses: list[Any] = [None] * len(requests)
        waiting, inputs = [], []
        for index, request in enumerate(requests):
            if request.is_cancelled():
                gone = pb_utils.TritonError("cancelled before it ran", pb_utils.TritonError.CANCELLED)
                responses[index] = pb_utils.InferenceResponse(error=gone)
            else:
                waiting.append(index)
                inputs.append(pb_utils.get_input_tensor_by_name(request, self._input).as_numpy())
        if waiting:
            output = self._run(inputs[0] if len(inputs) == 1 else np.concatenate(inputs))
            start = 0
            for index, tensor in zip(waiting, inputs, strict=True):
                part = output[start : start + len(tensor)]
                start += len(tensor)
                responses[index] = pb_utils.InferenceResponse([pb_utils.Tensor(self._output, part)])
        return responses

    def _run(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self._request.infer({0: batch}, share_inputs=True)
        # A copy: the request's own memory is overwritten by the next batch.
        return np.array(self._request.get_output_tensor(0).data)


def _compile(data: bytes, parameter: dict[str, str], largest: int) -> openvino.CompiledModel:
    core = openvino.Core()
    model = core.read_model(data)
    shape = model.input(0).partial_shape
    shape[0] = openvino.Dimension(1, largest)
    model.reshape(shape)
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
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[parameter["precision"]],
        },
    )
