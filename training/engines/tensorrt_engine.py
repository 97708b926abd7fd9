"""Engines for NVIDIA GPUs: TensorRT plans, for Triton's `tensorrt_plan` platform.

Not run so far: the machines that this was written on have no GPU. It needs the tensorrt package and the GPU
that the engines are for, since a plan fits the GPU it was built on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.engines.made import Made
from training.engines.tensors import tensors
from worker.errors import Refuse

PRECISIONS = ("fp32", "fp16")
LARGEST, USUAL = 8, 4


def settle(precision: str) -> str:
    """`auto` becomes fp16.

    Raises:
        Refuse: no such precision.
    """
    if precision == "auto":
        return "fp16"
    if precision not in PRECISIONS:
        raise Refuse(
            f"--precision {precision} is not one of auto, {', '.join(PRECISIONS)} for TensorRT.", exit_code=2
        )
    return precision


def make(onnx: bytes, folder: Path, *, precision: str, threads: int) -> Made:
    """Write `model.plan` into the version folder, for batches of 1 to 8; a GPU has no use for `threads`.

    Raises:
        Refuse: tensorrt is not installed, or it cannot build this model.
    """
    del threads
    trt = _tensorrt()
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        raise Refuse(f"TensorRT cannot read the model: {parser.get_error(0).desc()}.")
    config = builder.create_builder_config()
    if precision == "fp16":
        config.set_flag(trt.BuilderFlag.FP16)
    shape = tensors(onnx, name=folder.parent.name)
    profile = builder.create_optimization_profile()
    profile.set_shape(shape.input, *((batch, *shape.input_dims) for batch in (1, USUAL, LARGEST)))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise Refuse("TensorRT could not build the engine: its own log above says why.")
    (folder / "model.plan").write_bytes(bytes(plan))
    return Made(file="model.plan")


def parity(onnx: dict[str, bytes], model: str, golden: tuple[Path, ...], *, precision: str) -> dict[str, Any]:
    """Claim nothing: the plan is not run here; the worker's golden photos hold it to its card."""
    del onnx, model, golden, precision
    return {"photos": 0}


def _tensorrt() -> Any:  # noqa: ANN401 - a module that is rarely there
    try:
        import tensorrt  # type: ignore[import-not-found]  # noqa: PLC0415 - only on machines with an NVIDIA GPU
    except ImportError as exc:
        raise Refuse(
            "building for TensorRT needs the tensorrt package and an NVIDIA GPU: on such a machine run"
            " pip install tensorrt, or build with --target cpu."
        ) from exc
    return tensorrt
