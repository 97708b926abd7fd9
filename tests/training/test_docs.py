"""docs/model-card.md says what the card says."""

from __future__ import annotations

from training import check
from training.places import CARD, ROOT


def test_the_page_repeats_the_card() -> None:
    """Every score on the page is the card's, to the digits that it prints."""
    page = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
    card = check.read(CARD)
    scores = card["scores"]
    assert page.startswith(f"# Model card: {card['id']}\n")
    for name in ("accuracy", "balanced_accuracy", "nll", "ece"):
        one = scores[name]
        assert f"| {one['value']:.3f} | {one['low']:.3f}–{one['high']:.3f} |" in page
    for one in scores["recall"].values():
        assert f"{one['value']:.3f}" in page
    at = card["precisions"]["fp32"]["threshold"]
    assert at["theta"] is None
    assert f"{at['errors']} of {at['n']}" in page
    assert f"upper limit is {at['upper_limit']:.2f}" in page
    for slug, count in card["training"]["by_continent"].items():
        assert f"{card['display_names'][slug]} {count}" in page.replace("\n", " ")
