"""Engines for the CPU: OpenVINO, behind Triton's python backend.

The engine's file is the ONNX itself: OpenVINO compiles it as the model is loaded, for the machine that it is
loaded on, so the hash that the backend checks is the source's own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.dataset import LIMITS
from training.engines.made import Made
from training.engines.parity import Parity, compare
from training.engines.reference import onnx_embeddings, onnx_logits
from training.engines.tensors import tensors
from worker.errors import Refuse
from worker.prepare.decode import Target, decode
from worker.record import Pixels

PRECISIONS = ("fp32", "bf16")
CROP = 0.875
MOST_INSTANCES = 8
"""Each takes 280 MiB: a machine with more processors gives each instance more threads."""

LEAST_COSINE = {"fp32": 0.9999, "bf16": 0.95}
"""An embedding farther from the reference than this fails the build: the calibration would not carry over."""


def settle(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """`auto` becomes bf16 where the processor has it in silicon (AVX-512 BF16 or AMX), else fp32.

    Raises:
        Refuse: no such precision.
    """
    if precision == "auto":
        flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
        return "bf16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "fp32"
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


def parity(onnx: dict[str, bytes], model: str, golden: tuple[Path, ...], *, precision: str) -> dict[str, Any]:
    """Compare the engine with its source on the golden photos, or on noise where there are none.

    Raises:
        Refuse: they are farther apart than the precision explains.
    """
    size = tensors(onnx["efficientnet"], name="efficientnet").input_dims[0]
    photos = golden_pixels(golden, size)
    embeddings = onnx_embeddings(onnx["efficientnet"], photos)
    if model == "efficientnet":
        found = compare(embeddings, run(onnx[model], photos, precision=precision))
    else:
        reference = onnx_logits(onnx[model], embeddings)
        found = compare(
            reference.reshape(len(photos), -1),
            run(onnx[model], embeddings, precision=precision).reshape(len(photos), -1),
        )
    _ensure_close(found, model, precision)
    return found.document()


def run(onnx: bytes, inputs: npt.NDArray[Any], *, precision: str) -> npt.NDArray[np.float32]:
    """Run a model in this process as the backend would: float32 (n, …)."""
    import openvino  # noqa: PLC0415 - 0.2 s, and the models extra only

    core = openvino.Core()
    hint = {"fp32": "f32", "bf16": "bf16"}[precision]
    compiled = core.compile_model(
        core.read_model(onnx), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
    )
    parts = [np.array(compiled(inputs[i : i + 8])[0], dtype=np.float32) for i in range(0, len(inputs), 8)]
    return np.concatenate(parts)


def golden_pixels(golden: tuple[Path, ...], size: int) -> Pixels:
    """The golden photos as the engine takes them, uint8 (n, size, size, 3); seeded noise if none."""
    if not golden:
        return np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    target = Target(size=size, crop=CROP)
    return np.stack([decode(path.read_bytes(), LIMITS, target).pixels for path in golden])


def _ensure_close(found: Parity, model: str, precision: str) -> None:
    if not found.min_cosine >= LEAST_COSINE[precision]:
        raise Refuse(
            f"the {precision} engine of {model} is too far from its source (cosine {found.min_cosine:.4f},"
            f" least {LEAST_COSINE[precision]}): build it with --precision fp32."
        )
