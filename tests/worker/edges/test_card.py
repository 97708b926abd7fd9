"""What the worker takes of a card, and which cards it does not start with."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from worker.edges.card import load
from worker.errors import Refuse

CARD = Path(__file__).resolve().parents[3] / "triton_models" / "continent" / "card.json"


@pytest.fixture
def card() -> dict[str, Any]:
    """The committed card."""
    return dict(json.loads(CARD.read_bytes()))


def written(folder: Path, card: dict[str, Any]) -> Path:
    """A card as a file."""
    path = folder / "card.json"
    path.write_text(json.dumps(card))
    return path


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_coverage_is_promised_with_evidence_and_without(
    card: dict[str, Any], tmp_path: Path, precision: str
) -> None:
    """Records state the precision's coverage: fused sets calibrated for another one would make it a lie."""
    assert load(written(tmp_path, card)).fusion is not None
    for block in (card["fusion"], card["precisions"][precision]):
        kept = copy.deepcopy(block["conformal"])
        block["conformal"]["coverage"] = 0.8
        with pytest.raises(Refuse, match="another conformal coverage or method with evidence than for"):
            load(written(tmp_path, card))
        block["conformal"] = kept


def test_another_method_of_sets_is_refused(card: dict[str, Any], tmp_path: Path) -> None:
    """The worker knows one way to make a set."""
    card["fusion"]["conformal"]["method"] = "aps"
    with pytest.raises(Refuse, match=r"wrong at fusion\.conformal\.method"):
        load(written(tmp_path, card))


def test_a_conflict_that_nothing_tells_has_no_threshold(card: dict[str, Any], tmp_path: Path) -> None:
    """A null threshold is a recipe that never flags that kind; the other kind keeps its own."""
    conflicts = card["fusion"]["conflict"]
    conflicts["pixels_against_metadata"]["threshold"] = None
    conflicts["metadata_against_metadata"]["threshold"] = 0.25
    recipe = load(written(tmp_path, card)).recipe(precision="fp32", target="cpu")
    assert (recipe.pixels_conflict, recipe.metadata_conflict) == (None, 0.25)


def test_a_card_without_fusion_flags_nothing(card: dict[str, Any], tmp_path: Path) -> None:
    """A model that takes no evidence has nothing to contradict."""
    del card["fusion"]
    recipe = load(written(tmp_path, card)).recipe(precision="fp32", target="cpu")
    assert (recipe.fused, recipe.pixels_conflict, recipe.metadata_conflict) == (None, None, None)


def test_the_committed_card_flags_by_what_was_seen_to_tell(card: dict[str, Any]) -> None:
    """A kind has a threshold if and only if its hits, at the lower limit, are above its false alarms."""
    for one in card["fusion"]["conflict"].values():
        tells = one["hits"]["low"] > one["false_alarms"]["value"]
        assert one["threshold"] == (one["judged_at"] if tells else None)
