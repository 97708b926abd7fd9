"""The model card as a table that people read."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from worker.record import DISPLAY_NAMES


def render(card: dict[str, Any]) -> Group:
    """The card's scores, calibration and limits, for a rich console."""
    scores = card["scores"]
    table = Table(
        title=f"{card['id']}: {scores['n']} photos of {scores['sources']} sources", title_justify="left"
    )
    for column in ("", "value", "95% interval", "beside it"):
        table.add_column(column)
    for row in _rows(scores):
        table.add_row(*row)
    for name, block in card["precisions"].items():
        at = block["threshold"]
        table.add_section()
        table.add_row(
            f"{name}: temperature",
            f"{block['temperature']:.3f}",
            "",
            f"conformal quantile {block['conformal']['quantile']:.3f}",
        )
        table.add_row(
            f"{name}: threshold θ",
            "none" if at["theta"] is None else f"{at['theta']:.2f}",
            "",
            f"at {at['at']:.2f} {at['errors']} of {at['n']} wrong, upper limit {at['upper_limit']:.2f},"
            f" target {at['target']:.2f}",
        )
    limits = [Text(f"• {sentence}") for sentence in card["limits"]]
    return Group(table, Text("Measured by: " + scores["how"] + "."), *limits)


def print_card(card: dict[str, Any], *, console: Console | None = None) -> None:
    """Print the card."""
    (console or Console()).print(render(card))


def _rows(scores: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    base = scores["baselines"]
    beside = {
        "accuracy": f"most frequent elsewhere {base['majority']['accuracy']:.3f},"
        f" knowing this set {base['knowing_this_set']['accuracy']:.3f}",
        "balanced_accuracy": f"guessing {base['knowing_this_set']['balanced_accuracy']:.3f}",
        "nll": f"prior elsewhere {base['prior']['nll']:.3f}, uniform {base['uniform']['nll']:.3f},"
        f" knowing this set {base['knowing_this_set']['nll']:.3f}",
        "ece": f"if calibrated {scores['ece']['if_calibrated']:.3f},"
        f" debiased {scores['ece']['debiased']:.3f}",
    }
    rows = [
        (
            name.replace("_", " "),
            f"{scores[name]['value']:.3f}",
            f"{scores[name]['low']:.3f}–{scores[name]['high']:.3f}",
            text,
        )
        for name, text in beside.items()
    ]
    rows += [
        (f"recall {DISPLAY_NAMES[slug]}", f"{one['value']:.3f}", "", f"n = {one['n']}")
        for slug, one in scores["recall"].items()
    ]
    return rows
