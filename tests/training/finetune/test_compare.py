"""Fine-tuned against frozen: paired, on sources that neither has seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.training.finetune import tiny
from training.dataset import TrainingPhoto
from training.finetune import compare as compared
from training.finetune.app import app
from training.finetune.compare import Block, document
from training.finetune.recipes import RECIPES

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def _recipe() -> Iterator[None]:
    """The tiny recipe has a name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "tiny", tiny.RECIPE)  # type: ignore[arg-type,unused-ignore]
        yield


def test_both_are_judged_on_every_photo(tmp_path: Path) -> None:
    """Every source left out once; what is said of the difference is the difference."""
    manifest, weights = tiny.photos(tmp_path, each=6, sources=6), tiny.weights(tmp_path / "tiny.pt")
    backbone = ["--recipe", "tiny", "--weights", str(weights), "--device", "cpu", "--batch", "8"]
    how = ["--blocks", "3", "--epochs", "2", "--json", str(tmp_path / "both.json")]
    said = CliRunner().invoke(app, ["compare", str(manifest), *backbone, *how], catch_exceptions=False)
    found = json.loads((tmp_path / "both.json").read_text(encoding="utf-8"))
    assert said.stdout.startswith("42 photos of 6 sources, left out in 3 blocks")
    assert (found["n"], found["sources"], found["blocks"]) == (42, 6, 3)
    assert len(found["kept_epochs"]) == 3
    for name, gap in found["tuned_minus_frozen"].items():
        expected = found["tuned"][name]["value"] - found["frozen"][name]["value"]
        assert gap["value"] == pytest.approx(expected, abs=1e-5)
        assert gap["low"] <= gap["value"] <= gap["high"]


def invented(*, tuned_right: bool) -> list[Block]:
    """Blocks of one source each; the frozen heads are right half of the time, the other so too, or always."""
    rng = np.random.default_rng(0)
    blocks = []
    for source in range(8):
        label = rng.integers(0, 7, 20)
        photos = [
            TrainingPhoto(path=Path("x"), label=int(one), group=f"{source}-{n}", source=f"s{source}")
            for n, one in enumerate(label)
        ]
        truth = np.eye(7)[label]
        noise = np.eye(7)[(label + 1) % 7]
        half = np.where(np.arange(20)[:, None] % 2, truth, noise) * 3
        frozen = np.repeat(half[:, None], 5, axis=1)
        tuned = (truth * 3 if tuned_right else half)[:, None]
        blocks.append(
            Block(photos=photos, frozen=frozen, tuned=tuned, seen=np.ones(20, dtype=np.bool_), kept=1)
        )
    return blocks


def test_a_difference_is_found_where_there_is_one() -> None:
    """And where both say the same, it is nothing and n cannot tell."""
    better, same = document(invented(tuned_right=True)), document(invented(tuned_right=False))
    assert better["tuned_minus_frozen"]["top1"]["value"] == pytest.approx(0.5)
    assert better["tuned_minus_frozen"]["top1"]["verdict"] == "excludes zero"
    assert better["tuned_minus_frozen"]["nll"]["high"] < 0
    assert same["tuned_minus_frozen"]["nll"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert same["tuned_minus_frozen"]["top1"]["verdict"] == "n cannot tell"


def test_what_a_model_never_saw_fits_no_temperature() -> None:
    """Surely wrong photos of a continent that was left out whole leave the others' probabilities alone."""
    blocks = invented(tuned_right=False)
    photos = [photo for each in blocks for photo in each.photos]
    fold = np.repeat(np.arange(8), 20)
    logits = np.concatenate([each.tuned for each in blocks])
    spoiled = logits.copy()
    spoiled[fold == 0] = 50 * (1 - np.eye(7)[[photo.label for photo in blocks[0].photos]])[:, None]
    rest = fold != 0
    unseen = compared._calibrated(spoiled, photos, fold, rest).p[rest]
    assert np.array_equal(unseen, compared._calibrated(logits, photos, fold, rest).p[rest])
    seen = compared._calibrated(spoiled, photos, fold, np.ones(160, dtype=np.bool_)).p[rest]
    assert np.abs(unseen - seen).max() > 0.1
