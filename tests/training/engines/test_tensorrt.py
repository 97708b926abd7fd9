"""The TensorRT builder against a stand-in that speaks the same few calls and computes on the CPU.

Its plan is the ONNX file that it was given, and its GPU a dictionary of arrays: so what is fed, where outputs
are read and how batches are cut is tested with real numbers. That the calls are TensorRT's own names is
tested against the bindings of the pinned version.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from training.engines import (
    quantised,
    reference,
    repository,
    tensorrt_api,
    tensorrt_engine,
    tensorrt_run,
    tensorrt_symbols,
)
from training.engines.tensors import signature
from worker.errors import Refuse

VERSION = tensorrt_api.PINNED


@dataclass
class Cache:
    """A timing cache."""

    data: bytes

    def serialize(self) -> bytes:
        """Its bytes."""
        return self.data


@dataclass
class Config:
    """Records what it was told; `gpu` is whose timing it takes."""

    gpu: bytes = b"this"
    pools: list[tuple[str, int]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    profiles: list[Any] = field(default_factory=list)
    cache: Cache | None = None

    def set_memory_pool_limit(self, pool: str, pool_size: int) -> None:
        """Record."""
        self.pools.append((pool, pool_size))

    def clear_flag(self, flag: str) -> None:
        """Record."""
        self.cleared.append(flag)

    def add_optimization_profile(self, profile: Any) -> int:
        """Record."""
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> Cache:
        """As given."""
        return Cache(serialized_timing_cache)

    def set_timing_cache(self, cache: Cache, ignore_mismatch: bool) -> bool:
        """Taken if it is empty or this GPU's."""
        assert not ignore_mismatch
        if cache.data and not cache.data.startswith(self.gpu):
            return False
        self.cache = cache
        return True

    def get_timing_cache(self) -> Cache | None:
        """What was measured is added."""
        return None if self.cache is None else Cache((self.cache.data or self.gpu) + b"+")


class Profile:
    """Records the shapes of inputs."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[Any, ...]] = {}

    def set_shape(self, name: str, *shapes: Sequence[int]) -> None:
        """Record."""
        self.shapes[name] = shapes


class Builder:
    """Its plan is what its parser read."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create_network(self, flags: int) -> SimpleNamespace:
        """Empty."""
        self.world.flags.append(flags)
        return SimpleNamespace(onnx=b"")

    def create_builder_config(self) -> Config:
        """Fresh."""
        self.world.configs.append(Config())
        return self.world.configs[-1]

    def create_optimization_profile(self) -> Profile:
        """Fresh."""
        return Profile()

    def build_serialized_network(self, network: SimpleNamespace, _config: Config) -> bytes | None:
        """The file."""
        return None if self.world.fails else network.onnx


class Parser:
    """Reads everything but what says that it cannot."""

    def __init__(self, network: SimpleNamespace, world: World) -> None:
        self.network, self.world = network, world
        self.num_errors = 1

    def parse(self, model: bytes) -> bool:
        """Into the network."""
        self.network.onnx = model
        return self.world.reads

    def get_error(self, _index: int) -> SimpleNamespace:
        """The only one."""
        return SimpleNamespace(desc=lambda: "node 3: no importer")


class Context:
    """Runs the plan, which is an ONNX file, on what lies in the GPU's memory."""

    def __init__(self, plan: bytes, world: World) -> None:
        self.plan, self.world = plan, world
        self.tensors = signature(plan, name="plan")
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.places: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Batches of up to 8."""
        self.shapes[name] = tuple(shape)
        return shape[0] <= 8

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """The batch of the inputs, the sides of the model."""
        (one,) = (each for each in self.tensors.outputs if each.name == name)
        return (next(iter(self.shapes.values()))[0], *one.dims)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Remember."""
        self.places[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Compute at once."""
        assert stream_handle == 0
        memory = self.world.device.memory
        feed = {
            one.name: np.frombuffer(
                memory[self.places[one.name]], np.uint8 if one.type == "TYPE_UINT8" else np.float32
            ).reshape(self.shapes[one.name])
            for one in self.tensors.inputs
        }
        for name, answer in reference.answers(self.plan, feed).items():
            memory[self.places[name]] = answer.tobytes()
        return not self.world.fails


class Device:
    """Memory by address."""

    def __init__(self) -> None:
        self.memory: dict[int, bytes] = {}
        self.most = 0

    def name(self) -> str:
        """A name."""
        return "stand-in"

    def allocate(self, size: int) -> int:
        """A new address."""
        self.most += 1
        self.memory[self.most] = bytes(size)
        return self.most

    def free(self, address: int) -> None:
        """Forget."""
        del self.memory[address]

    def upload(self, address: int, data: npt.NDArray[Any]) -> None:
        """Copy."""
        assert len(self.memory[address]) == data.nbytes
        self.memory[address] = data.tobytes()

    def download(self, data: npt.NDArray[Any], address: int) -> None:
        """Copy."""
        data[...] = np.frombuffer(self.memory[address], data.dtype).reshape(data.shape)


class World:
    """The stand-in: the module, its GPU, and what was asked of them."""

    def __init__(self) -> None:
        self.device = Device()
        self.flags: list[int] = []
        self.configs: list[Config] = []
        self.reads, self.fails, self.fits = True, False, True
        module: Any = ModuleType("tensorrt")
        module.__version__ = VERSION
        module.Logger = type("Logger", (), {"WARNING": 2, "__init__": lambda _self, _least: None})
        module.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        module.BuilderFlag = SimpleNamespace(TF32="tf32")
        module.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        module.Builder = lambda _logger: Builder(self)
        module.OnnxParser = lambda network, _logger: Parser(network, self)
        module.Runtime = lambda _logger: SimpleNamespace(deserialize_cuda_engine=self._engine)
        self.module = module

    def _engine(self, plan: bytes) -> SimpleNamespace | None:
        return SimpleNamespace(create_execution_context=lambda: Context(plan, self)) if self.fits else None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """TensorRT and a GPU, stood in for; a cache of the test's own."""
    made = World()
    monkeypatch.setitem(sys.modules, "tensorrt", made.module)
    monkeypatch.setattr(tensorrt_run, "Cuda", lambda: made.device)
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path / "home"))
    return made


@pytest.fixture
def models(tmp_path: Path, backbone: bytes, fusion: bytes, quantised_backbone: bytes) -> Path:
    """A folder of small source models, quantised too."""
    folder = tmp_path / "models"
    for name, data in (("efficientnet", backbone), ("fusion", fusion)):
        (folder / name / "1").mkdir(parents=True)
        (folder / name / "1" / "model.onnx").write_bytes(data)
    int8 = quantised.stamped(quantised_backbone, backbone)
    (folder / "efficientnet" / "1" / quantised.FILE).write_bytes(int8)
    return folder


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_repository_of_plans(world: World, models: Path, tmp_path: Path, precision: str) -> None:
    """Two plans in batches of 1, 4 and 8, strongly typed, without TF32; each compared with its source."""
    work = repository.plan(models, target="tensorrt", precision=precision)
    built = repository.build(work, tmp_path / "out")
    assert world.flags == [2, 2]
    for config in world.configs:
        assert config.cleared == ["tf32"]
        assert config.pools == [("workspace", 1 << 30)]
    assert world.configs[0].profiles[0].shapes == {"image": ((1, 8, 8, 3), (4, 8, 8, 3), (8, 8, 8, 3))}
    assert world.configs[1].profiles[0].shapes == {
        "embedding": ((1, 6), (4, 6), (8, 6)),
        "evidence": ((1, 63), (4, 63), (8, 63)),
    }
    for name in ("efficientnet", "fusion"):
        engine = json.loads((built / name / "engine.json").read_text(encoding="utf-8"))
        assert engine["file"] == "model.plan"
        assert engine["parity"]["photos"] == 3
        assert engine["parity"]["min_cosine"] > 0.99
        text = (built / name / "config.pbtxt").read_text(encoding="utf-8")
        assert 'platform: "tensorrt_plan"' in text
        assert f'key: "tensorrt", value: {{ string_value: "{VERSION}" }}' in text
    exact = json.loads((built / "efficientnet" / "engine.json").read_text(encoding="utf-8"))["parity"]
    assert (exact["max_abs_difference"] < 1e-5) == (precision == "fp32")
    assert world.device.memory == {}


def test_the_plan_runs_in_batches_and_gives_back_memory(
    world: World, backbone: bytes, photos: npt.NDArray[np.uint8]
) -> None:
    """Twenty photos in batches of 8, 8 and 4 get their own answers; nothing stays allocated."""
    run = tensorrt_run.runner(world.module, backbone, signature(backbone, name="b"), world.device)
    assert np.allclose(run({"image": photos})["embedding"], reference.onnx_embeddings(backbone, photos))
    assert world.device.memory == {}


def test_what_was_measured_is_remembered(world: World, backbone: bytes, tmp_path: Path) -> None:
    """The second build begins with the first one's timing; another GPU's is left and replaced."""
    timing = tmp_path / "cache" / "tensorrt.timing"
    inputs = signature(backbone, name="b").inputs
    for expected in (b"this+", b"this++"):
        tensorrt_engine.build(world.module, backbone, inputs, timing)
        assert timing.read_bytes() == expected
    timing.write_bytes(b"another GPU")
    tensorrt_engine.build(world.module, backbone, inputs, timing)
    assert timing.read_bytes() == b"this+"
    assert [one.name for one in timing.parent.iterdir()] == ["tensorrt.timing"]


def test_failures_are_one_sentence(world: World, backbone: bytes, tmp_path: Path) -> None:
    """Not read, not built, not this GPU's, failed while running: each says what to do or where to look."""
    inputs, shape = signature(backbone, name="b").inputs, signature(backbone, name="b")
    world.fails = True
    with pytest.raises(Refuse, match="could not build"):
        tensorrt_engine.build(world.module, backbone, inputs, tmp_path / "timing")
    run = tensorrt_run.runner(world.module, backbone, shape, world.device)
    with pytest.raises(Refuse, match="failed as it ran"):
        run({"image": np.zeros((1, 8, 8, 3), dtype=np.uint8)})
    assert world.device.memory == {}
    world.fits = False
    with pytest.raises(Refuse, match="build it on this GPU"):
        tensorrt_run.runner(world.module, backbone, shape, world.device)
    world.reads = False
    with pytest.raises(Refuse, match="cannot read the model: node 3: no importer"):
        tensorrt_engine.build(world.module, backbone, inputs, tmp_path / "timing")


def test_a_plan_that_answers_otherwise_is_refused(world: World, models: Path, tmp_path: Path) -> None:
    """A plan of other weights is built, compared, and not left behind."""
    work = repository.plan(models, target="tensorrt", precision="fp32")
    scrambled = Context.execute_async_v3

    def wrong(self: Context, stream_handle: int) -> bool:
        done = scrambled(self, stream_handle)
        for name in ("embedding", "gates"):
            if name in self.places and name not in self.shapes:
                place = self.places[name]
                values = np.frombuffer(world.device.memory[place], np.float32)
                world.device.memory[place] = values[::-1].tobytes()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Context, "execute_async_v3", wrong)
        with pytest.raises(Refuse, match="too far from its source"):
            repository.build(work, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_major_version_is_refused(world: World) -> None:
    """A plan runs on the TensorRT that built it: the pinned major version or none."""
    assert tensorrt_api.load() is world.module
    world.module.__version__ = "11.4.0.106"
    with pytest.raises(Refuse, match=r"TensorRT 11\.4\.0\.106 is here and 10\.x"):
        tensorrt_api.load()


def test_a_gpu_that_does_not_do_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's answers are (error, …): an error is one sentence, what was not installed too."""
    cuda: Any = ModuleType("cuda.bindings.runtime")
    cuda.cudaMalloc = lambda size: (0, 4096) if size < 100 else (2, None)
    cuda.cudaGetDeviceProperties = lambda _n: (0, SimpleNamespace(name=b"H200", major=9, minor=0))
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    assert tensorrt_run.Cuda().allocate(10) == 4096
    assert tensorrt_run.Cuda().name() == "H200 9.0"
    with pytest.raises(Refuse, match="cudaMalloc: 2"):
        tensorrt_run.Cuda().allocate(1000)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    with pytest.raises(Refuse, match="pip install cuda-bindings"):
        tensorrt_run.Cuda()
    assert tensorrt_engine.gpu() == "none"


def test_every_call_is_in_the_pinned_bindings() -> None:
    """The record holds exactly the names that the types use, each found in the bindings of that version."""
    record = json.loads(tensorrt_symbols.RECORD.read_text(encoding="utf-8"))
    assert record["version"] == tensorrt_api.PINNED
    assert int(tensorrt_api.PINNED.partition(".")[0]) == tensorrt_api.MAJOR
    assert record["names"] == dict.fromkeys(tensorrt_api.names(), True)


def test_a_name_that_the_bindings_lack_is_found(tmp_path: Path) -> None:
    """Looking up reads whole words of the shared object; another version's wheel is refused."""
    import zipfile  # noqa: PLC0415 - for this test only

    wheel = tmp_path / f"tensorrt_cu12_bindings-{tensorrt_api.PINNED}-cp311-none-any.whl"
    words = [name for name in tensorrt_api.names() if name != "execute_async_v3"]
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tensorrt_bindings/tensorrt.so", "\0".join([*words, "execute_async_v3_old"]))
    found = tensorrt_symbols.look_up(wheel)["names"]
    assert [name for name, held in found.items() if not held] == ["execute_async_v3"]
    with pytest.raises(Refuse, match="not the pinned version"):
        tensorrt_symbols.look_up(tmp_path / "tensorrt_cu12_bindings-9.0.0-cp311-none-any.whl")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("README", "nothing")
    with pytest.raises(Refuse, match="does not hold TensorRT's bindings"):
        tensorrt_symbols.look_up(wheel)
