"""Engines for the CPU: OpenVINO, behind Triton's python backend.

The engine's file is the ONNX itself: OpenVINO compiles it as the model is loaded, for the machine that it is
loaded on, so the hash that the backend checks is the source's own (or, for INT8, the quantised file's).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.engines.made import Made
from training.engines.parity import CROP, LEAST_COSINE, ensure_close, golden_pixels, measure
from training.engines.reference import Array, Feed, batches
from worker.errors import Refuse

__all__ = ["CROP", "LEAST_COSINE", "golden_pixels"]

PRECISIONS = ("fp32", "bf16", "int8")
MOST_INSTANCES = 8
"""Each takes 280 MiB: a machine with more processors gives each instance more threads."""

_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


def settle(precision: str, cpuinfo: Path = Path("/proc/cpuinfo"), *, quantised: bool = False) -> str:
    """`auto` becomes bf16 where the processor has it in silicon, else INT8 where it has that, else fp32.

    Args:
        precision: as asked for.
        cpuinfo: Linux's description of the processor.
        quantised: whether there is a quantised backbone; without one it is never INT8.

    Raises:
        Refuse: no such precision.
    """
    if precision == "auto":
        flags = set(cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else [])
        if {"avx512_bf16", "amx_bf16"} & flags:
            return "bf16"
        return "int8" if quantised and {"avx512_vnni", "avx_vnni"} & flags else "fp32"
    if precision not in PRECISIONS:
        raise Refuse(f"--precision {precision} is not one of auto, {', '.join(PRECISIONS)}.", exit_code=2)
    return precision


def instances(asked: int | None) -> int:
    """How many backbones run side by side: by default one a processor, each with one thread.

    Two with a thread each spend 6.6 ms of processor time a photo where one with two threads spends 7.8 to 10
    (bf16, two cores): no thread waits for another, and a batch is no faster than its photos one by one.
    """
    return asked or min(usable(), MOST_INSTANCES)


def usable() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def make(onnx: bytes, folder: Path, *, precision: str, threads: int) -> Made:
    """Write one engine's files into its version folder; each instance will run on so many threads."""
    del precision  # decided when the model is compiled, from the configuration
    (folder / "model.onnx").write_bytes(onnx)
    shutil.copyfile(Path(__file__).with_name("backend.py"), folder / "model.py")
    return Made(file="model.onnx", parameters={"threads": str(threads)})


def parity(
    onnx: dict[str, bytes],
    model: str,
    golden: tuple[Path, ...],
    *,
    precision: str,
    served: bytes | None = None,
) -> dict[str, Any]:
    """Compare the engine with its source on the golden photos, or on noise where there are none.

    Args:
        onnx: the sources by name.
        model: which of them.
        golden: the photos' files.
        precision: the engine's.
        served: the file that the engine loads, where it is not the source itself.

    Raises:
        Refuse: they are farther apart than the precision explains.
    """
    found = measure(onnx, model, golden, runner(served or onnx[model], precision=precision))
    ensure_close(found, model, precision)
    return found.document()


def run(onnx: bytes, inputs: npt.NDArray[Any], *, precision: str) -> Array:
    """Run a model of one input and one output in this process as the backend would: float32 (n, …)."""
    compiled = _compile(onnx, precision)
    (found,) = _answers(compiled, {compiled.inputs[0].any_name: inputs}).values()
    return found


def runner(onnx: bytes, *, precision: str, threads: int = 0) -> Callable[[Feed], dict[str, Array]]:
    """A model compiled in this process as the backend would: from inputs by name to outputs by name.

    Threads 0: as many as OpenVINO likes.
    """
    compiled = _compile(onnx, precision, threads)
    return lambda feed: _answers(compiled, feed)


def _compile(onnx: bytes, precision: str, threads: int = 0) -> Any:  # noqa: ANN401 - openvino is untyped
    import openvino  # noqa: PLC0415 - 0.2 s, and the models extra only

    core = openvino.Core()
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
    }
    if threads:
        options |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    return core.compile_model(core.read_model(onnx), "CPU", options)


def _answers(compiled: Any, feed: Feed) -> dict[str, Array]:  # noqa: ANN401 - likewise
    names = [one.any_name for one in compiled.outputs]
    parts = []
    for part in batches(feed):
        answer = compiled(part)
        parts.append([np.array(answer[name], dtype=np.float32) for name in names])
    columns = zip(*parts, strict=True)
    return {name: np.concatenate(column) for name, column in zip(names, columns, strict=True)}
