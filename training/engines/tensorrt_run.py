"""Run a TensorRT plan once, to compare it with its source: plain copies, one stream, no speed intended."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from training.engines.reference import Array, Feed, batches
from training.engines.tensorrt_api import ExecutionContext, TensorRT
from training.engines.tensors import Signature
from worker.errors import Refuse


class Device(Protocol):
    """A GPU's memory and its default stream."""

    def name(self) -> str:
        """What the GPU is called."""

    def allocate(self, size: int) -> int:
        """The address of so many bytes."""

    def free(self, address: int) -> None:
        """Give them back."""

    def upload(self, address: int, data: npt.NDArray[Any]) -> None:
        """Copy to the GPU."""

    def download(self, data: npt.NDArray[Any], address: int) -> None:
        """Wait for what was begun, then copy from the GPU into `data`."""


class Cuda:
    """The first GPU by NVIDIA's `cuda.bindings.runtime`, https://nvidia.github.io/cuda-python/cuda-bindings.

    Raises (from every call):
        Refuse: the call failed.
    """

    def __init__(self) -> None:
        try:
            self._cuda: Any = importlib.import_module("cuda.bindings.runtime")
        except ImportError as exc:
            raise Refuse(
                "comparing a TensorRT engine needs the cuda-bindings package: run pip install cuda-bindings."
            ) from exc

    def name(self) -> str:
        """What the GPU is called, with its compute capability."""
        (found,) = self._call("cudaGetDeviceProperties", 0)
        return f"{found.name.decode()} {found.major}.{found.minor}"

    def allocate(self, size: int) -> int:
        """The address of so many bytes."""
        (address,) = self._call("cudaMalloc", size)
        return int(address)

    def free(self, address: int) -> None:
        """Give them back."""
        self._call("cudaFree", address)

    def upload(self, address: int, data: npt.NDArray[Any]) -> None:
        """Copy to the GPU."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpy", address, data.ctypes.data, data.nbytes, kind)

    def download(self, data: npt.NDArray[Any], address: int) -> None:
        """Wait for what was begun, then copy from the GPU into `data`."""
        self._call("cudaDeviceSynchronize")
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpy", data.ctypes.data, address, data.nbytes, kind)

    def _call(self, name: str, *arguments: Any) -> tuple[Any, ...]:  # noqa: ANN401 - theirs are untyped
        error, *answer = getattr(self._cuda, name)(*arguments)
        if int(error):
            raise Refuse(f"the GPU did not do as asked ({name}: {error}): look at nvidia-smi.")
        return tuple(answer)


def runner(
    trt: TensorRT, plan: bytes, tensors: Signature, device: Device | None = None
) -> Callable[[Feed], dict[str, Array]]:
    """A plan loaded on the GPU: from inputs by name to outputs by name.

    Raises:
        Refuse: the plan does not fit this GPU or this TensorRT.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    if engine is None:
        raise Refuse("the plan does not run here: build it on this GPU with this TensorRT.")
    context, gpu = engine.create_execution_context(), device or Cuda()

    def run(feed: Feed) -> dict[str, Array]:
        parts = [_once(context, gpu, part, tensors) for part in batches(feed)]
        return {one.name: np.concatenate([part[one.name] for part in parts]) for one in tensors.outputs}

    return run


def _once(context: ExecutionContext, gpu: Device, feed: Feed, tensors: Signature) -> dict[str, Array]:
    with ExitStack() as held:
        for name, values in feed.items():
            data = np.ascontiguousarray(values)
            if not context.set_input_shape(name, data.shape):
                raise Refuse(f"the plan takes no {name} of shape {data.shape}: build it anew.")
            address = held.enter_context(_memory(gpu, data.nbytes))
            gpu.upload(address, data)
            context.set_tensor_address(name, address)
        answers: dict[str, Array] = {}
        places: dict[str, int] = {}
        for one in tensors.outputs:
            answers[one.name] = np.empty(tuple(context.get_tensor_shape(one.name)), dtype=np.float32)
            places[one.name] = held.enter_context(_memory(gpu, answers[one.name].nbytes))
            context.set_tensor_address(one.name, places[one.name])
        # The default stream, which the copies wait for.
        if not context.execute_async_v3(0):
            raise Refuse("the plan failed as it ran: TensorRT's own log above says why.")
        for name, answer in answers.items():
            gpu.download(answer, places[name])
        return answers


@contextmanager
def _memory(gpu: Device, size: int) -> Iterator[int]:
    address = gpu.allocate(size)
    try:
        yield address
    finally:
        gpu.free(address)
