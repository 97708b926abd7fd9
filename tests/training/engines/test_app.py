"""The commands about engines."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

from training import embeddings, evaluate
from training.engines import cost, quantised, summary
from training.engines.agreement import Agreement
from training.engines.app import app
from training.engines.table import engines
from training.heads import Heads
from training.places import MODELS
from worker.errors import Refuse


def ask(*words: str) -> tuple[int, str]:
    """Exit code and output."""
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_graphs_are_judged(tmp_path: Path) -> None:
    """The committed models: nothing speaks against them in any precision; the file has the figures."""
    code, output = ask("graph", "--json", str(tmp_path / "graph.json"))
    assert code == 0
    assert "efficientnet fp16" in output
    found = json.loads((tmp_path / "graph.json").read_text(encoding="utf-8"))["models"]
    assert found["efficientnet fp32"]["operators"]["Conv"] == 64
    assert all(one["problems"] == [] for one in found.values())


def test_the_comparison_says_what_was_not_measured(
    tmp_path: Path, committed: embeddings.Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Float32 beside itself, INT8 by its own embeddings, TensorRT never built: every engine has its line."""
    # Refitting takes seconds; which heads judge does not matter here.
    weight = np.random.default_rng(0).normal(size=(5, 7, committed.x.shape[1])) / 100
    some = Heads(weight=weight, bias=np.zeros((5, 7)))
    quick = evaluate.Folds(without=dict.fromkeys(np.unique(committed.source).tolist(), some))
    monkeypatch.setattr(evaluate, "leave_sources_out", lambda _photos, _recipe: quick)
    short = cost.measure
    monkeypatch.setattr(cost, "measure", lambda run, photos: short(run, photos, rounds=1, seconds=0.01))
    code, output = ask("compare", "--json", str(tmp_path / "engines.json"))
    assert code == 0
    rows = json.loads((tmp_path / "engines.json").read_text(encoding="utf-8"))["engines"]
    by = {(row["target"], row["precision"]): row for row in rows}
    assert by["cpu", "fp32"]["agreement"]["verdict"] == "ships"
    assert [one["batch"] for one in by["cpu", "fp32"]["costs"]] == [1, 8]
    assert by["cpu", "int8"]["state"] == "measured"
    assert by["cpu", "int8"]["agreement"]["verdict"] in {"ships", "differs", "worse", "open"}
    assert {by["tensorrt", name]["state"] for name in ("fp32", "fp16", "int8")} == {"never built"}
    assert output.count("never built") == 3


def test_a_folder_without_a_manifest_is_named(tmp_path: Path, committed: embeddings.Embeddings) -> None:
    """Before anything is measured."""
    with pytest.raises(Refuse, match="manifest"):
        summary.summary(MODELS, committed, photos=tmp_path)


def test_photos_may_be_given_instead(
    tmp_path: Path,
    backbone: bytes,
    quantised_backbone: bytes,
    photos: npt.NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Labelled photos go through every engine, and through the files that TensorRT would be given.

    A plan that was built on this machine of this backbone is no longer "never built".
    """
    folder = tmp_path / "models" / "efficientnet" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(backbone)
    (folder / quantised.FILE).write_bytes(quantised.stamped(quantised_backbone, backbone))
    given = tmp_path / "photos"
    given.mkdir()
    lines = ["path,continent,group,source_repo"]
    for index, photo in enumerate(photos):
        Image.fromarray(photo).save(given / f"{index}.png")
        lines.append(f"{index}.png,{'Asia' if index % 2 else 'Europe'},{index},archive/{index % 4}")
    (given / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    names = np.array([f"archive/{index % 4}" for index in range(len(photos))])
    stored = embeddings.Embeddings(
        x=np.zeros((20, 6)),
        bf16=None,
        label=np.zeros(20, dtype=np.int64),
        group=names,
        source=names,
        backbone_sha256="",
    )
    some = Heads(weight=np.random.default_rng(0).normal(size=(5, 7, 6)), bias=np.zeros((5, 7)))
    quick = evaluate.Folds(without=dict.fromkeys(np.unique(names).tolist(), some))
    monkeypatch.setattr(evaluate, "leave_sources_out", lambda _photos, _recipe: quick)
    short = cost.measure
    monkeypatch.setattr(cost, "measure", lambda run, seen: short(run, seen, rounds=1, seconds=0.01))
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path / "home"))
    built = tmp_path / "home" / "engines" / "tensorrt-0" / "efficientnet"
    built.mkdir(parents=True)
    engine = {
        "target": "tensorrt",
        "precision": "fp16",
        "source_sha256": hashlib.sha256(backbone).hexdigest(),
        "parity": {"min_cosine": 0.9999},
    }
    (built / "engine.json").write_text(json.dumps(engine), encoding="utf-8")
    rows = summary.summary(tmp_path / "models", stored, photos=given)
    by = {(row.target, row.precision): row for row in rows}
    int8, fp16 = by["cpu", "int8"].agreement, by["tensorrt", "fp16"].agreement
    assert int8 is not None
    assert fp16 is not None
    assert (int8.photos, int8.sources, int8.tolerance) == (20, 4, 0.03)
    assert 0 < fp16.largest_gap < 0.01
    assert by["tensorrt", "fp16"].state.startswith("built here, cosine 0.9999")
    assert by["tensorrt", "int8"].state == "never built"
    assert by["tensorrt", "int8"].agreement is not None
    assert by["tensorrt", "fp32"].agreement is None


def test_quantising_writes_beside_the_backbone(
    tmp_path: Path, backbone: bytes, quantised_backbone: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example photos are what it sees; the file it writes is the one that `models build` reads."""
    folder = tmp_path / "efficientnet" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(backbone)
    seen: list[npt.NDArray[np.uint8]] = []

    def made(source: bytes, photos: npt.NDArray[np.uint8], _meter: object) -> bytes:
        seen.append(photos)
        return quantised.stamped(quantised_backbone, source)

    monkeypatch.setattr(quantised, "quantise", made)
    code, output = ask("quantise", "--models", str(tmp_path))
    assert code == 0
    assert "from 29 photos" in output
    assert seen[0].shape[1:] == (8, 8, 3)
    assert quantised.stamp(quantised.read(tmp_path, backbone)) is not None
    shutil.rmtree(folder)
    with pytest.raises(Refuse, match="--models"):
        ask("quantise", "--models", str(tmp_path))


def test_the_table_shows_the_verdict() -> None:
    """Counts of clear calls kept, the cost with its interval; a line of its own for what was not measured."""
    agreed = Agreement(
        photos=340,
        sources=15,
        tolerance=0.03,
        same=331,
        clear=239,
        overturned=1,
        largest_gap=0.1,
        usual_gap=0.03,
        nll=-0.0017,
        nll_low=-0.0097,
        nll_high=0.0078,
    )
    row = summary.Row(target="cpu", precision="int8", state="measured", agreement=agreed)
    cells = [next(iter(column.cells)) for column in engines([row]).columns]
    assert cells[4:] == [
        "238 of 239 clear, 331 of 340 in all",
        "-0.0017 (-0.0097 to +0.0078)",
        "differs",
    ]
    assert row.document()["agreement"]["verdict"] == "differs"
