"""A whole run on the example photos, from the command to the ONNX file, and the same again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    EventAccumulator,
)
from typer.testing import CliRunner

from tests.training.finetune import tiny
from training.data import manifest
from training.dataset import TrainingPhoto
from training.engines.reference import onnx_embeddings
from training.engines.tensors import tensors
from training.finetune import checkpoint, fit
from training.finetune.app import app
from training.finetune.asked import Asked
from training.finetune.freezing import freeze_all_but
from training.finetune.model import build
from training.finetune.plan import Plan
from training.finetune.recipes import RECIPES
from training.finetune.run import run
from training.places import EXAMPLES
from worker.errors import Refuse
from worker.prepare.decode import Target

pytestmark = [
    pytest.mark.training,
    # torch's own use of what it deprecates, in its exporter.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _recipe() -> Iterator[None]:
    """The tiny recipe has a name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "tiny", tiny.RECIPE)  # type: ignore[arg-type,unused-ignore]
        yield


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The example photos, under groups of their own, and the tiny backbone."""
    folder = tmp_path_factory.mktemp("asked")
    return tiny.asked(tiny.examples(folder), tiny.weights(folder / "tiny.pt"), images=EXAMPLES)


@pytest.fixture(scope="module")
def done(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that the command did; what it said and its --json stand beside the folder."""
    folder = tmp_path_factory.mktemp("done") / "run"
    where = [str(asked.manifest), "--photos", str(EXAMPLES), "--output", str(folder)]
    backbone = ["--recipe", "tiny", "--weights", str(asked.weights), "--device", "cpu"]
    plan = ["--epochs", "2", "--batch", "8", "--learning-rate", "0.001"]
    figures = ["--json", str(folder.parent / "run.json")]
    said = CliRunner().invoke(app, ["run", *where, *backbone, *plan, *figures], catch_exceptions=False)
    assert said.exit_code == 0
    (folder.parent / "said.txt").write_text(said.stdout, encoding="utf-8")
    return folder


def summary(folder: Path) -> dict[str, Any]:
    """What a run says of itself."""
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint."""
    found: dict[str, torch.Tensor] = checkpoint.load(folder / name)["model"]
    return found


def test_a_run_says_what_it_did(done: Path) -> None:
    """Parameters, epochs, which was kept, scores with n and intervals; and no file of a photo."""
    found = summary(done)
    assert [epoch["number"] for epoch in found["epochs"]] == [0, 1, 2]
    assert [epoch["thawed"] for epoch in found["epochs"]] == [[], ["high"], ["high", "low"]]
    assert found["thaws"] == [{"epoch": 1, "stage": "high"}, {"epoch": 2, "stage": "low"}]
    assert found["plan"]["seed"] == tiny.PLAN.seed
    photos = found["photos"]
    assert sum(photos[name]["photos"] for name in ("train", "validation", "test")) == 29
    assert all(photos["train"]["continents"].values())
    assert found["test"]["n"] == photos["test"]["photos"]
    assert set(found["test"]["nll"]) == {"value", "low", "high"}
    assert found["corruptions"]["held_out"] == ["low_resolution", "motion"]
    assert 0.02 <= found["temperature"] <= 50
    written = (done / "summary.json").read_text(encoding="utf-8")
    said = (done.parent / "said.txt").read_text(encoding="utf-8")
    assert (done.parent / "run.json").read_text(encoding="utf-8") == written
    assert said.splitlines()[0].startswith("epoch 0: frozen backbone, validation accuracy")
    assert [line.endswith(", kept") for line in said.splitlines()[:3]] == [
        epoch["number"] == found["kept_epoch"] for epoch in found["epochs"]
    ]
    assert said.splitlines()[3].startswith(f"test: {found['test']['n']} photos, top-1")
    assert [path.name for path in EXAMPLES.iterdir() if path.name in written + said] == []
    assert str(done) not in written + said


def test_what_is_kept_is_what_the_summary_says(done: Path, asked: Asked) -> None:
    """best.pt has the kept epoch's accuracy on the validation photos; the photos are those of split.csv."""
    found = summary(done)
    kept = found["epochs"][found["kept_epoch"]]
    assert found["validation"]["top1"]["value"] == pytest.approx(kept["accuracy"], abs=1e-6)
    assert found["validation"]["nll"]["value"] == pytest.approx(kept["nll"], abs=1e-6)
    listed = manifest.read(done / "split.csv", photos=EXAMPLES)
    splits = {item.image_id: item.data_split for _, item in listed.valid()}
    assert len(splits) == 29
    assert sum(split == "train" for split in splits.values()) == found["photos"]["train"]["photos"]
    model = build(tiny.RECIPE, asked.weights)
    model.load_state_dict(state(done, checkpoint.BEST))


def test_the_events_are_tensorboards(done: Path) -> None:
    """Read back by its own reader: every epoch's figures and the parameters."""
    events = EventAccumulator(str(done / "events"))
    events.Reload()
    found = summary(done)
    for name, key in (("validation/accuracy", "accuracy"), ("validation/nll", "nll"), ("train/loss", "loss")):
        scalars = {one.step: one.value for one in events.Scalars(name)}
        expected = {one["number"]: one[key] for one in found["epochs"] if one[key] is not None}
        assert scalars == pytest.approx(expected, rel=1e-5)
    text = events.Tensors("parameters/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"seed": 20261121' in text
    assert ".jpg" not in text


def test_the_export_is_the_kept_backbone(done: Path, asked: Asked) -> None:
    """Of the names, types and shapes that Triton's `efficientnet` is built from, with the right values."""
    model = (done / "models" / "efficientnet" / "1" / "model.onnx").read_bytes()
    found = tensors(model, name="efficientnet")
    assert (found.input, found.input_type, found.input_dims) == ("image", "TYPE_UINT8", (32, 32, 3))
    assert (found.output, found.output_dims) == ("embedding", (tiny.WIDTH,))
    card = json.loads((done / "models" / "efficientnet" / "card.json").read_text(encoding="utf-8"))
    said = summary(done)["export"]
    assert card["sha256"] == said["sha256"]
    assert said["parity_with_torch"]["min_cosine"] > 0.9999
    assert "not judged on the unseen" in card["fine_tuning"]["note"]
    best = build(tiny.RECIPE, asked.weights)
    best.load_state_dict(state(done, checkpoint.BEST))
    photo = TrainingPhoto(path=EXAMPLES / "europe-bern.jpg", label=3, group="", source="")
    pixels = np.stack([photo.pixels(Target(tiny.SIDE, 0.875))] * 3)
    with torch.inference_mode():
        expected = best.eval().embedder(torch.from_numpy(pixels)).numpy()
    assert onnx_embeddings(model, pixels) == pytest.approx(expected, abs=1e-4)


def test_the_same_run_gives_the_same_weights(done: Path, asked: Asked, tmp_path: Path) -> None:
    """To the bit, all checkpoints, and the same ONNX file, from the library as from the command."""
    run(asked, tmp_path / "again", leave_out=None, resume=False)
    for name in (checkpoint.BEST, checkpoint.LAST):
        mine, theirs = state(done, name), state(tmp_path / "again", name)
        assert all(torch.equal(value, theirs[key]) for key, value in mine.items())
    assert summary(tmp_path / "again") == summary(done)


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    done: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in epoch 2: one sentence, exit code 130; then weights and figures of the unbroken run."""
    whole = freeze_all_but

    def interrupted(model: Any, stages: Any) -> None:
        if len(stages) == 2:
            raise KeyboardInterrupt
        whole(model, stages)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(fit, "freeze_all_but", interrupted)
        with pytest.raises(Refuse, match="go on with --resume") as refusal:
            run(asked, folder, leave_out=None, resume=False)
    assert refusal.value.exit_code == 130
    with pytest.raises(Refuse, match="holds a run"):
        run(asked, folder, leave_out=None, resume=False)
    run(asked, folder, leave_out=None, resume=True)
    mine, theirs = state(done, checkpoint.LAST), state(folder, checkpoint.LAST)
    assert all(torch.equal(value, theirs[key]) for key, value in mine.items())
    assert summary(folder) == summary(done)
    # Once more: there is nothing left to train, and it says the same.
    assert run(asked, folder, leave_out=None, resume=True) == summary(done)


def test_another_run_is_not_gone_on_with(done: Path, asked: Asked, tmp_path: Path) -> None:
    """Another plan, no run, a damaged one."""
    other = tiny.asked(asked.manifest, asked.weights or tmp_path, Plan(epochs=3), images=EXAMPLES)
    with pytest.raises(Refuse, match="a run of another plan"):
        run(other, done, leave_out=None, resume=True)
    with pytest.raises(Refuse, match="begin anew without --resume"):
        run(asked, tmp_path, leave_out=None, resume=True)
    (tmp_path / checkpoint.LAST).write_bytes(b"PK")
    with pytest.raises(Refuse, match="is damaged"):
        run(asked, tmp_path, leave_out=None, resume=True)


def test_what_is_not_there_is_refused_before_anything_is_done(asked: Asked, tmp_path: Path) -> None:
    """A recipe, a device, weights, a source that nobody has; the folder is not even made."""
    for other, sentence in (
        (replace(asked, recipe="lite9"), "no recipe lite9: take one of lite0, lite2"),
        (replace(asked, device="warp:7"), "no device warp:7"),
        (replace(asked, recipe="resnet50", weights=None), "give a state dict with --weights PATH"),
    ):
        with pytest.raises(Refuse, match=sentence):
            run(other, tmp_path / "run", leave_out=None, resume=False)
    with pytest.raises(Refuse, match="no such source"):
        run(asked, tmp_path / "run", leave_out="nobody/nowhere", resume=False)
    assert not (tmp_path / "run").exists()
