"""docs/model-card.md is written from the cards."""

from __future__ import annotations

import json

from training.evaluation import model_card
from training.places import MODELS


def test_the_page_is_what_the_cards_say() -> None:
    """Every number of it; `python -m training.evaluation.model_card` writes it anew."""
    cards = (json.loads((MODELS / name / "card.json").read_bytes()) for name in ("continent", "efficientnet"))
    assert model_card.PAGE.read_text(encoding="utf-8") == model_card.render(*cards)
