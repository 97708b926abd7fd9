"""Engines for NVIDIA GPUs: TensorRT plans, for Triton's `tensorrt_plan` platform.

Never built so far: no machine that this was written on has a GPU. What can be checked without one is
(docs/engines.md): the calls against the pinned bindings, the ONNX graphs, the float16 and INT8 files against
their source, Triton's configuration. A plan fits the GPU and the TensorRT that built it.

The network is strongly typed: the file alone decides the precision of every tensor, the builder none.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from local.home import home
from training.engines import graph, lower, quantised, tensorrt_run
from training.engines.config import MAX_BATCH
from training.engines.made import Made
from training.engines.parity import ensure_close, measure
from training.engines.tensorrt_api import BuilderConfig, TensorRT, load
from training.engines.tensors import Tensor, signature
from worker.errors import Refuse

PRECISIONS = ("fp32", "fp16", "int8")
USUAL = 4
"""The batch that a plan is tuned for; those of 1 to the largest run as well."""

WORKSPACE = 1 << 30
"""Bytes that layers may use as scratch memory."""


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


def installed() -> str:
    """The version of TensorRT that is installed, or `none`; it need not load for that."""
    for package in ("tensorrt", "tensorrt-cu12", "tensorrt-cu13"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "none"


def gpu() -> str:
    """The GPU that plans would be built on, or `none`."""
    try:
        return tensorrt_run.Cuda().name()
    except Refuse:
        return "none"


def typed(onnx: bytes, *, precision: str) -> bytes:
    """The file that the parser reads: plain, and in float16 where that is the precision.

    An INT8 file comes quantised; between its quantisers it stays in float32.
    """
    if precision == "int8":
        return quantised.signed(onnx)
    plain = lower.plain(onnx)
    return lower.half(plain) if precision == "fp16" else plain


def reports(models: Path) -> dict[str, graph.Report]:
    """What the parser would be given of a folder of models, judged: each model in each precision there is.

    Raises:
        Refuse: a source cannot be read.
    """
    found = {}
    for model in ("efficientnet", "fusion"):
        path = models / model / "1" / "model.onnx"
        try:
            onnx = path.read_bytes()
        except OSError as exc:
            raise Refuse(
                f"{path} cannot be read ({exc.strerror}): give a folder of models with --models."
            ) from exc
        found[f"{model} fp32"] = graph.report(typed(onnx, precision="fp32"))
        if model == "efficientnet":
            found[f"{model} fp16"] = graph.report(typed(onnx, precision="fp16"))
            if (path.parent / quantised.FILE).is_file():
                int8 = quantised.read(models, onnx)
                found[f"{model} int8"] = graph.report(typed(int8, precision="int8"))
    return found


def make(onnx: bytes, folder: Path, *, precision: str, threads: int) -> Made:
    """Write `model.plan` into the version folder, for batches of 1 to 8; a GPU has no use for `threads`.

    Raises:
        Refuse: tensorrt is not installed, or it cannot build this model.
    """
    del threads
    trt = load()
    name = folder.parent.name
    source = typed(onnx, precision=precision)
    graph.ensure_buildable(source, name=name)
    cache = home() / "engines" / f"tensorrt-{trt.__version__}.timing"
    plan = build(trt, source, signature(source, name=name).inputs, cache)
    (folder / "model.plan").write_bytes(plan)
    return Made(file="model.plan", parameters={"tensorrt": trt.__version__})


def build(trt: TensorRT, source: bytes, inputs: tuple[Tensor, ...], timing: Path) -> bytes:
    """Build a plan of an ONNX file, for batches of 1 to 8 of its `inputs`.

    Args:
        trt: TensorRT.
        source: the file.
        inputs: the tensors that it takes.
        timing: where measurements of earlier builds are, and those of this one go.

    Raises:
        Refuse: TensorRT cannot read the file or build it.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(source):
        errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise Refuse(f"TensorRT cannot read the model: {'; '.join(errors[:3]) or 'it gave no reason'}.")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
    # Or float32 would be rounded to ten bits, which nobody asked for.
    config.clear_flag(trt.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    for one in inputs:
        least, usual, most = ((batch, *one.dims) for batch in (1, USUAL, MAX_BATCH))
        profile.set_shape(one.name, least, usual, most)
    if config.add_optimization_profile(profile) < 0:
        raise Refuse("TensorRT did not take the shapes of the batches: its own log above says why.")
    _recall(config, timing)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise Refuse("TensorRT could not build the engine: its own log above says why.")
    _remember(config, timing)
    return bytes(plan)


def parity(
    onnx: dict[str, bytes],
    model: str,
    golden: tuple[Path, ...],
    *,
    precision: str,
    served: bytes | None = None,
) -> dict[str, Any]:
    """Compare the plan `served` with its source on the golden photos.

    Raises:
        Refuse: they are farther apart than the precision explains, or the plan does not run.
    """
    if served is None:
        raise Refuse("a TensorRT engine is compared by its plan, and none was given.")
    found = measure(
        onnx, model, golden, tensorrt_run.runner(load(), served, signature(onnx[model], name=model))
    )
    ensure_close(found, model, precision)
    return found.document()


def _recall(config: BuilderConfig, timing: Path) -> None:
    """Begin with what earlier builds measured; what another GPU measured is not taken."""
    for stored in (timing.read_bytes() if timing.is_file() else b"", b""):
        cache = config.create_timing_cache(stored)
        if cache is not None and config.set_timing_cache(cache, False):
            return


def _remember(config: BuilderConfig, timing: Path) -> None:
    cache = config.get_timing_cache()
    if cache is None:
        return
    timing.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=f".{timing.name}.", dir=timing.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(bytes(cache.serialize()))
    # Whole or not at all: two builds may end at once.
    Path(scratch).replace(timing)
