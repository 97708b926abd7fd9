"""The committed card holds, and a card that lies is found out."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from training import card as cards
from training import check, evaluate
from training.app import app
from training.embeddings import Embeddings
from training.heads import Recipe
from training.places import CARD, EMBEDDINGS, MODELS
from worker.edges.card import load
from worker.errors import Refuse
from worker.record import SLUGS


@pytest.fixture
def claimed() -> dict[str, Any]:
    """The committed card."""
    return check.read(CARD)


@pytest.fixture
def composed(committed: Embeddings, folds: evaluate.Folds) -> dict[str, Any]:
    """The card as it is composed here and now; what needs the fusion fitted anew is carried over."""
    claimed = check.read(CARD)
    model = cards.Model(folder=MODELS, photos=committed, recipe=Recipe())
    parity = {name: block["parity"] for name, block in claimed["precisions"].items()}
    return cards.compose(model, folds, parity, claimed["fusion"])


@pytest.mark.training
def test_everything_that_the_card_claims_is_found_again(
    claimed: dict[str, Any], composed: dict[str, Any]
) -> None:
    """Scores, temperature, quantile, threshold, golden probabilities and limits, from the embeddings."""
    assert check.differences(claimed, composed) == []


def test_a_continent_of_one_source_calibrates_nothing(committed: Embeddings, folds: evaluate.Folds) -> None:
    """Antarctica's photos, which heads without their only source cannot know, leave the block as it is."""
    elsewhere = committed.label != SLUGS.index("antarctica")
    block = cards.calibrate(folds, committed, committed.x, 2.0)
    assert block == cards.calibrate(folds, committed.take(elsewhere), committed.x[elsewhere], 2.0)
    assert block["conformal"]["n"] == elsewhere.sum() == len(committed) - 7


def test_a_backbone_that_has_seen_the_photos_says_so_first(claimed: dict[str, Any], tmp_path: Path) -> None:
    """Leaving sources out of the heads alone does not make them unseen: the first limit is that."""
    block = claimed["precisions"]["fp32"]
    own = tmp_path / "efficientnet" / "card.json"
    assert cards.fine_tuned(MODELS) is cards.fine_tuned(tmp_path) is False
    own.parent.mkdir()
    own.write_text(json.dumps({"fine_tuning": {"epochs": 3}}))
    assert cards.fine_tuned(tmp_path)
    plain, tuned = (cards.limits(claimed["scores"], block, tuned=one) for one in (False, True))
    assert "fine-tuned on photos of these very sources" in tuned[0]
    assert tuned[1:] == plain


def test_the_worker_reads_the_card(claimed: dict[str, Any]) -> None:
    """The card is one that the worker accepts, with a recipe for both precisions of the CPU."""
    card = load(CARD)
    for precision in ("fp32", "bf16"):
        recipe = card.recipe(precision=precision, target="cpu")
        assert recipe.temperature == claimed["precisions"][precision]["temperature"]
    assert card.heads == 5


def test_fusion_was_fitted_at_the_temperature_that_it_is_served_at(claimed: dict[str, Any]) -> None:
    """Evidence is weighed on the image's calibrated scale: another temperature would weigh it otherwise."""
    assert claimed["fusion"]["temperature"] == pytest.approx(
        claimed["precisions"]["fp32"]["temperature"], rel=1e-6
    )


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("scores", "top1", "value"), 0.9),
        (("precisions", "bf16", "temperature"), 2.0),
        (("precisions", "fp32", "conformal", "quantile"), 0.5),
        (("precisions", "fp32", "conformal", "validated"), True),
        (("precisions", "fp32", "threshold", "theta"), 0.5),
        (("training", "photos"), 341),
        (("golden", "photos", 0, "probabilities", "africa"), 0.9),
        (("limits", 0), "It is very good."),
    ],
)
def test_a_claim_that_was_made_up_is_named(
    claimed: dict[str, Any], where: tuple[str | int, ...], value: object
) -> None:
    """Each kind of number, flag and sentence, changed alone, is the one difference that is reported."""
    lying = copy.deepcopy(claimed)
    place: Any = lying
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    (found,) = check.differences(lying, claimed)
    assert found.where == "card." + ".".join(map(str, where))
    assert found.claimed == value


def test_changed_files_are_found_before_anything_is_computed(tmp_path: Path) -> None:
    """One bit of the heads, or a golden photo exchanged, fails by its hash and its name."""
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    heads = models / "fusion" / "1" / "model.onnx"
    data = bytearray(heads.read_bytes())
    data[1000] ^= 1
    heads.write_bytes(data)
    shutil.copyfile(models / "continent" / "golden" / "1.jpg", models / "continent" / "golden" / "2.jpg")
    found = check.check(models, EMBEDDINGS)
    assert [one.where for one in found] == ["fusion/1/model.onnx", "golden/2.jpg"]
    heads.unlink()
    with pytest.raises(Refuse, match="restore it"):
        check.check(models, EMBEDDINGS)


def test_embeddings_of_another_backbone_prove_nothing(tmp_path: Path) -> None:
    """A card whose backbone is not the one that the embeddings came from fails there."""
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    backbone = models / "efficientnet" / "1" / "model.onnx"
    backbone.write_bytes(backbone.read_bytes() + b"\0")
    card = check.read(CARD)
    card["sources"]["efficientnet"]["sha256"] = cards.sha256(backbone.read_bytes())
    cards.write(card, models / "continent" / "card.json")
    assert [one.where for one in check.check(models, EMBEDDINGS)] == ["embeddings"]


def test_the_commands_show_and_check(tmp_path: Path) -> None:
    """`models card` prints what people read and the JSON; `models check` exits 1 and says what differs."""
    runner = CliRunner()
    shown = runner.invoke(app, ["models", "card"])
    assert shown.exit_code == 0
    assert "macro recall" in shown.stdout
    assert "it is weak" in " ".join(shown.stdout.split())
    assert "with evidence" in shown.stdout
    assert json.loads(runner.invoke(app, ["models", "card", "--json"]).stdout) == check.read(CARD)
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    (models / "fusion" / "1" / "model.onnx").write_bytes(b"other")
    failed = runner.invoke(app, ["models", "check", "--models", str(models), "--json"])
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["differences"][0]["where"] == "fusion/1/model.onnx"
