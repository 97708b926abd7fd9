"""Building the runtime repository: content-addressed, whole, idempotent, and suspicious."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.app import app
from training.engines import openvino_engine, parity, repository
from training.engines.parity import Parity
from training.fusion import graph
from training.heads import Heads
from training.places import CARD, MODELS
from worker.errors import Refuse

BF16 = openvino_engine.settle("auto") == "bf16"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the committed models in fp32."""
    work = repository.plan(MODELS, target="cpu", precision="fp32")
    return repository.build(work, tmp_path_factory.mktemp("engines") / "cpu")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def stamps(folder: Path) -> dict[str, int]:
    """When each file was last written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_repository_is_complete(built: Path) -> None:
    """Three models, each with configuration and engine.json; the hashes are those of the card's sources."""
    card = json.loads(CARD.read_text(encoding="utf-8"))
    for name in ("efficientnet", "fusion"):
        engine = json.loads((built / name / "engine.json").read_text(encoding="utf-8"))
        assert engine["source_sha256"] == card["sources"][name]["sha256"]
        assert (engine["target"], engine["precision"]) == ("cpu", "fp32")
        assert engine["parity"]["photos"] == 3
        assert engine["parity"]["max_abs_difference"] < 1e-4
        assert engine["source_sha256"] in (built / name / "config.pbtxt").read_text(encoding="utf-8")
    whole = json.loads((built / "continent" / "engine.json").read_text(encoding="utf-8"))
    assert whole["source_sha256"] == card["source_sha256"]
    assert (built / "continent" / "1").is_dir()


def test_building_twice_does_nothing(home: Path) -> None:
    """The second build finds the first by its content address and touches no file."""
    work = repository.plan(MODELS, target="cpu", precision="fp32")
    first = repository.build(work)
    before = stamps(first)
    assert first.parent == home / "engines"
    assert repository.build(work) == first
    assert stamps(first) == before


def test_another_input_has_another_address() -> None:
    """Precision, the number of instances and every source file are part of the name."""
    work = repository.plan(MODELS, target="cpu", precision="fp32")
    assert repository.plan(MODELS, target="cpu", precision="bf16").digest != work.digest
    assert repository.plan(MODELS, target="cpu", precision="fp32", instances=3).digest != work.digest
    assert replace(work, onnx=work.onnx | {"fusion": b"other"}).digest != work.digest


def test_each_processor_has_an_instance(tmp_path: Path) -> None:
    """One backbone a processor with a thread each; fewer instances share the processors; as many heads."""
    processors = len(os.sched_getaffinity(0))
    for asked, instances, threads in (
        (None, min(8, processors), max(1, processors // 8)),
        (1, 1, processors),
    ):
        work = repository.plan(MODELS, target="cpu", precision="fp32", instances=asked)
        built = repository.build(work, tmp_path / str(asked))
        config = (built / "efficientnet" / "config.pbtxt").read_text()
        assert f"count: {instances} " in config
        assert f'key: "threads", value: {{ string_value: "{threads}" }}' in config
        heads = (built / "fusion" / "config.pbtxt").read_text()
        assert f"count: {instances} " in heads
        # A batcher behind a batcher sleeps through what comes (docs/decisions.md).
        assert "dynamic_batching" not in heads
        assert 'key: "threads", value: { string_value: "1" }' in heads


@pytest.mark.parametrize("file", ["fusion/1/model.onnx", "efficientnet/1/model.py", "continent/config.pbtxt"])
def test_a_tampered_repository_is_built_anew(built: Path, tmp_path: Path, file: str) -> None:
    """A cache whose files changed is not served again, whichever file it is."""
    copy = tmp_path / "cpu"
    shutil.copytree(built, copy)
    honest = (copy / file).read_bytes()
    (copy / file).write_bytes(honest + b" ")
    repository.build(repository.plan(MODELS, target="cpu", precision="fp32"), copy)
    assert (copy / file).read_bytes() == honest


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """`--output` never replaces what it did not build."""
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(Refuse, match="holds something else"):
        repository.build(repository.plan(MODELS, target="cpu", precision="fp32"), tmp_path)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_heads_of_another_width_are_refused(tmp_path: Path) -> None:
    """A backbone and heads that do not fit are named before Triton sees them, and nothing is left behind."""
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    wide = Heads(weight=np.zeros((5, 7, 1536)), bias=np.zeros((5, 7)))
    (models / "fusion" / "1" / "model.onnx").write_bytes(graph.write(wide))
    with pytest.raises(Refuse, match="gives 1280 values and the heads take 1536"):
        repository.build(repository.plan(models, target="cpu", precision="fp32"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """Garbage and missing sources each get one sentence."""
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    (models / "fusion" / "1" / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(Refuse, match="ONNX file of fusion cannot be used"):
        repository.build(repository.plan(models, target="cpu", precision="fp32"), tmp_path / "out")
    (models / "fusion" / "1" / "model.onnx").unlink()
    with pytest.raises(Refuse, match="--models"):
        repository.plan(models, target="cpu", precision="fp32")


@pytest.mark.parametrize(
    ("flags", "quantised", "expected"),
    [
        ("avx2 avx512_bf16", True, "bf16"),
        ("amx_bf16", False, "bf16"),
        ("avx512f avx512_vnni", True, "int8"),
        ("avx2 avx_vnni", True, "int8"),
        ("avx512f avx512_vnni", False, "fp32"),
        ("avx2", True, "fp32"),
    ],
)
def test_auto_is_what_the_processor_has(tmp_path: Path, flags: str, quantised: bool, expected: str) -> None:
    """bf16 and INT8 only in silicon, INT8 only with a quantised backbone: an imitation is slower."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"flags : fpu {flags}\n", encoding="utf-8")
    assert openvino_engine.settle("auto", cpuinfo, quantised=quantised) == expected
    assert openvino_engine.settle("auto", tmp_path / "missing", quantised=quantised) == "fp32"


def test_unknown_precisions_are_bad_usage() -> None:
    """A precision that the target lacks is exit code 2 and names those it has."""
    with pytest.raises(Refuse, match="auto, fp32, bf16, int8") as refusal:
        openvino_engine.settle("int4")
    assert refusal.value.exit_code == 2


def test_an_engine_too_far_from_its_source_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parity is a condition, not a remark: no engine is built whose answers were never calibrated."""
    far = Parity(photos=3, max_abs_difference=9.0, min_cosine=float("nan"))
    monkeypatch.setattr(parity, "compare", lambda _a, _b: far)
    onnx = repository.plan(MODELS, target="cpu", precision="fp32").onnx
    with pytest.raises(Refuse, match="too far from its source"):
        openvino_engine.parity(onnx, "fusion", (), precision="fp32")


def test_tensorrt_says_what_it_needs(tmp_path: Path) -> None:
    """Without the package, one sentence with the mend; never a traceback."""
    work = repository.plan(MODELS, target="tensorrt", precision="auto")
    assert work.precision == "fp16"
    with pytest.raises(Refuse, match="needs the tensorrt package"):
        repository.build(work, tmp_path / "out")


def test_the_command_prints_where_the_repository_is(home: Path) -> None:
    """The last line of `models build --json` is what the embedded stack reads."""
    done = CliRunner().invoke(app, ["models", "build", "--precision", "fp32", "--json"])
    assert done.exit_code == 0
    document = json.loads(done.stdout.splitlines()[-1])
    assert Path(document["repository"]).parent == home / "engines"
    assert document["precision"] == "fp32"


@pytest.mark.skipif(not BF16, reason="this processor has no bf16")
def test_bf16_is_near_enough_to_be_calibrated(tmp_path: Path) -> None:
    """The bf16 engine passes its parity on the golden photos; the heads stay in fp32."""
    out = repository.build(repository.plan(MODELS, target="cpu", precision="bf16"), tmp_path / "out")
    backbone = json.loads((out / "efficientnet" / "engine.json").read_text(encoding="utf-8"))
    assert 0.95 < backbone["parity"]["min_cosine"] < 1
    heads = json.loads((out / "fusion" / "engine.json").read_text(encoding="utf-8"))
    assert heads["precision"] == "fp32"
