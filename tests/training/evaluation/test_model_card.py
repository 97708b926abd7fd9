"""The page of the model card is written from the card, every number of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from training.evaluation import model_card
from training.evaluation.evaluation import Evaluation, for_card
from training.evaluation.report.tables import number
from training.places import CARD, MODELS

BACKBONE: dict[str, Any] = json.loads((MODELS / "efficientnet" / "card.json").read_bytes())


@pytest.fixture(scope="module")
def card(evaluation: Evaluation) -> dict[str, Any]:
    """The committed card with the scores of an evaluation of invented photos."""
    scores = json.loads(json.dumps(for_card(evaluation), allow_nan=False))
    return {**json.loads(CARD.read_bytes()), "scores": scores}


def test_every_score_of_the_card_is_on_the_page(card: dict[str, Any]) -> None:
    """Values and both intervals, baselines and differences, continents, conditions."""
    page = model_card.render(card, BACKBONE)
    scores = card["scores"]
    for name in ("top1", "macro_recall", "nll", "brier", "ece", "coverage"):
        one, wide = scores[name], scores["over_sources"][name]
        row = f"| {number(one['value'])} | {number(one['low'])}–{number(one['high'])} |"
        assert f"{row} {number(wide['low'])}–{number(wide['high'])} |" in page
    for other, row in scores["compared"].items():
        line = next(line for line in page.splitlines() if line.startswith(f"| {other.replace('_', ' ')} |"))
        assert all(number(figure["value"]) in line for figure in row.values())
    assert "| visual + metadata |" in page
    assert f"cover {number(scores['in_domain']['exchangeable']['coverage'])}" in page
    assert page.startswith(f"# Model card: {card['id']}\n")
    assert all(sentence in page for sentence in card["limits"])


def test_another_number_in_the_card_is_another_page(card: dict[str, Any]) -> None:
    """Nothing is typed by hand: each of these changes shows."""
    before = model_card.render(card, BACKBONE)
    for path in (
        ("scores", "n"),
        ("scores", "top1", "value"),
        ("scores", "ece_if_calibrated"),
        ("training", "photos"),
        ("training", "by_continent", "asia"),
        ("precisions", "fp32", "threshold", "errors"),
        ("precisions", "bf16", "temperature"),
        ("interval", "coverage"),
    ):
        changed = json.loads(json.dumps(card))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] += 1
        assert model_card.render(changed, BACKBONE) != before, path


def test_a_card_with_a_threshold_reads_differently(card: dict[str, Any]) -> None:
    """A model that may call continents is not said to call none."""
    changed = json.loads(json.dumps(card))
    changed["precisions"]["fp32"]["threshold"]["theta"] = 0.55
    weak, able = model_card.render(card, BACKBONE), model_card.render(changed, BACKBONE)
    assert "calls no continent" in weak
    assert "It calls a continent when the lower bound of its probability reaches 0.55" in able


def test_the_page_is_tidy_markdown(card: dict[str, Any]) -> None:
    """Rows of a table have its columns, no blanks at a line's end, no gap of more than one empty line."""
    page = model_card.render(card, BACKBONE)
    assert not re.search(r"[ \t]$", page, re.MULTILINE)
    assert "\n\n\n" not in page
    assert page.endswith("\n")
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {line.replace("\\|", "").count("|") for line in block.splitlines()}
        assert len(widths) == 1, block
