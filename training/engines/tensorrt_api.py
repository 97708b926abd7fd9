"""The few calls of TensorRT's Python API that a build needs, as types, each with its documentation.

Machines without an NVIDIA GPU cannot import TensorRT, so the builder is checked against these names: mypy
holds it to them, and `tensorrt_symbols.json` records that each was found in the bindings of the pinned
version (`python -m training.engines.tensorrt_symbols`).

One major version is pinned: a plan runs on the TensorRT that built it, so it must be that of the server.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

from worker.errors import Refuse

MAJOR = 10
PINNED = "10.16.1.11"
"""The version whose bindings the names below were looked up in."""

DOCS = "https://docs.nvidia.com/deeplearning/tensorrt/archives/tensorrt-1030/api/python_api/"
"""The documentation of the pinned major version, to which the pages below belong."""


class HostMemory(Protocol):
    """Bytes owned by TensorRT: infer/FoundationalTypes/HostMemory.html; read by the buffer protocol."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """What `bytes()` asks."""


class TimingCache(Protocol):
    """What the builder has measured so far: infer/Core/TimingCache.html."""

    def serialize(self) -> HostMemory:
        """The cache as bytes, for the next build."""


class OptimizationProfile(Protocol):
    """The shapes that an engine is for: infer/Core/OptimizationProfile.html."""

    def set_shape(
        self, name: str, least: Sequence[int], usual: Sequence[int], most: Sequence[int], /
    ) -> None:
        """The smallest, the usual and the largest shape of an input."""


class BuilderConfig(Protocol):
    """How to build: infer/Core/BuilderConfig.html."""

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:  # noqa: ANN401 - an enum of theirs
        """The bytes that a pool may take."""

    def clear_flag(self, flag: Any) -> None:  # noqa: ANN401 - likewise
        """Switch a mode off."""

    def add_optimization_profile(self, profile: OptimizationProfile) -> int:
        """Its index, or −1."""

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
        """A cache of earlier bytes; of none: an empty one."""

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        """Whether the cache was taken: not if it is another GPU's."""

    def get_timing_cache(self) -> TimingCache | None:
        """The cache with what this build has measured."""


class Network(Protocol):
    """What the parser fills: infer/Graph/Network.html."""

    @property
    def num_inputs(self) -> int:
        """How many inputs it has."""

    @property
    def num_outputs(self) -> int:
        """How many outputs it has."""


class ParserError(Protocol):
    """Why a file could not be read: parsers/Onnx/pyOnnx.html."""

    def desc(self) -> str:
        """In words."""

    def node(self) -> int:
        """The index of the node."""


class OnnxParser(Protocol):
    """Reads ONNX: parsers/Onnx/pyOnnx.html."""

    @property
    def num_errors(self) -> int:
        """How many errors it met."""

    def parse(self, model: bytes) -> bool:
        """Whether the whole file was read into the network."""

    def get_error(self, index: int) -> ParserError:
        """One of the errors."""


class Builder(Protocol):
    """Builds: infer/Core/Builder.html."""

    def create_network(self, flags: int) -> Network:
        """An empty network."""

    def create_builder_config(self) -> BuilderConfig:
        """A fresh configuration."""

    def create_optimization_profile(self) -> OptimizationProfile:
        """A fresh profile."""

    def build_serialized_network(self, network: Network, config: BuilderConfig) -> HostMemory | None:
        """The plan, or None when it could not be built."""


class ExecutionContext(Protocol):
    """Runs an engine: infer/Core/ExecutionContext.html."""

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Whether the shape is one that the engine is for."""

    def get_tensor_shape(self, name: str) -> Sequence[int]:
        """The shape of a tensor, given those of the inputs."""

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Where a tensor lies on the GPU."""

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Put the work on a stream; whether that went well."""


class Engine(Protocol):
    """A plan that was loaded: infer/Core/Engine.html."""

    def create_execution_context(self) -> ExecutionContext:
        """What runs it."""


class Runtime(Protocol):
    """Loads plans: infer/Core/Runtime.html."""

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
        """The engine, or None when the plan does not fit this GPU or this TensorRT."""


class LoggerClass(Protocol):
    """`tensorrt.Logger`: infer/Core/Logger.html."""

    WARNING: Any

    def __call__(self, min_severity: Any) -> Any:  # noqa: ANN401 - only handed on
        """A logger to standard error."""


class TensorRT(Protocol):
    """The module itself."""

    __version__: str
    Logger: LoggerClass
    NetworkDefinitionCreationFlag: Any
    """`.STRONGLY_TYPED`: every tensor has the type that the file gives it. infer/Core/Builder.html."""
    BuilderFlag: Any
    """`.TF32`: rounding of float32 that the builder allows by itself. infer/Core/BuilderConfig.html."""
    MemoryPoolType: Any
    """`.WORKSPACE`: scratch memory of layers. infer/Core/BuilderConfig.html."""

    def Builder(self, logger: Any) -> Builder:  # noqa: ANN401, N802 - TensorRT's own name
        """A builder."""

    def OnnxParser(self, network: Network, logger: Any) -> OnnxParser:  # noqa: ANN401, N802 - likewise
        """A parser that fills a network."""

    def Runtime(self, logger: Any) -> Runtime:  # noqa: ANN401, N802 - likewise
        """A runtime."""


ENUMS = ("STRONGLY_TYPED", "TF32", "WORKSPACE", "WARNING")
"""The enumeration members that are used."""

CLASSES = (
    HostMemory,
    TimingCache,
    OptimizationProfile,
    BuilderConfig,
    Network,
    ParserError,
    OnnxParser,
    Builder,
    ExecutionContext,
    Engine,
    Runtime,
    LoggerClass,
    TensorRT,
)


def names() -> list[str]:
    """Every name of TensorRT's that is used, sorted: methods, properties, classes, enumeration members.

    >>> {"build_serialized_network", "STRONGLY_TYPED", "OnnxParser"} <= set(names())
    True
    """
    found = set(ENUMS)
    for one in CLASSES:
        found |= {name for name in (*vars(one), *one.__annotations__) if not name.startswith("_")}
    return sorted(found)


def load() -> TensorRT:
    """Import TensorRT.

    Raises:
        Refuse: it is not installed, cannot be loaded here, or is of another major version.
    """
    try:
        module: TensorRT = importlib.import_module("tensorrt")
    except (ImportError, OSError) as exc:
        raise Refuse(
            f"building for TensorRT needs the tensorrt package {MAJOR}.x and an NVIDIA GPU: on such a machine"
            f" run pip install tensorrt-cu12=={PINNED} cuda-bindings, or build with --target cpu."
        ) from exc
    if int(module.__version__.partition(".")[0]) != MAJOR:
        raise Refuse(
            f"TensorRT {module.__version__} is here and {MAJOR}.x is what the engines are for (the server's"
            f" must be the same): run pip install tensorrt-cu12=={PINNED}."
        )
    return module
