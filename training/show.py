"""The model card as a table that people read."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from training.evaluation.report.tables import NAMES, number
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
        table.add_section()
        table.add_row(
            f"{name}: temperature",
            f"{block['temperature']:.3f}",
            "",
            f"conformal quantile {block['conformal']['quantile']:.3f}",
        )
        table.add_row(f"{name}: threshold θ", *_threshold(block["threshold"]))
    if card["fusion"]:
        table.add_section()
        for row in _fused(card["fusion"]):
            table.add_row(*row)
    limits = [Text(f"• {sentence}") for sentence in card["limits"]]
    return Group(table, Text("Measured by: " + scores["how"] + "."), *limits)


def print_card(card: dict[str, Any], *, console: Console | None = None) -> None:
    """Print the card."""
    (console or Console()).print(render(card))


def _rows(scores: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    rows = [
        (NAMES[name], number(scores[name]["value"]), _interval(scores[name]), _beside(name, scores))
        for name in NAMES
        if scores[name]["value"] is not None
    ]
    rows += [
        (
            f"recall {DISPLAY_NAMES[slug]}",
            number(one["recall"]["value"]),
            _interval(one["recall"]),
            f"n = {one['n']}",
        )
        for slug, one in scores["per_continent"].items()
    ]
    return rows


def _threshold(at: dict[str, Any]) -> tuple[str, str, str]:
    return (
        "none" if at["theta"] is None else f"{at['theta']:.2f}",
        "",
        (
            f"at {at['at']:.2f} {at['errors']} of {at['n']} wrong, upper limit {at['upper_limit']:.2f},"
            f" target {at['target']:.2f}"
        ),
    )


def _fused(fusion: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What holds of photos with evidence; all of it was measured on simulated evidence."""
    scores = [
        (
            f"with evidence, simulated, {name.replace('_', ' ').replace('gps', 'GPS')}: top-1",
            number(both["fused"]["accuracy"]["value"]),
            _interval(both["fused"]["accuracy"]),
            f"image {number(both['image']['accuracy']['value'])}",
        )
        for name, both in fusion["scores"].items()
    ]
    conflicts = [
        (
            f"conflict, {kind.replace('_', ' ')}: found",
            number(one["hits"]["value"]),
            _interval(one["hits"]),
            f"false alarms {number(one['false_alarms']['value'])}",
        )
        for kind, one in fusion["conflict"].items()
    ]
    return [*scores, ("with evidence: threshold θ", *_threshold(fusion["threshold"])), *conflicts]


def _interval(figure: dict[str, float | None]) -> str:
    return "–" if figure["low"] is None else f"{number(figure['low'])}–{number(figure['high'])}"


def _beside(name: str, scores: dict[str, Any]) -> str:
    if name == "ece":
        return f"if calibrated {number(scores['ece_if_calibrated'])}"
    others = {other: row[name]["value"] for other, row in scores["compared"].items() if name in row}
    told = (
        f"{other.replace('_', ' ')} {number(value)}" for other, value in others.items() if other != "model"
    )
    return ", ".join(told)
