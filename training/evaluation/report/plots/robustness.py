"""Robustness: how many answers stay what they were, by corruption and severity."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from local.page import drawing
from training.evaluation.robustness import Row

_COLOURS = (drawing.PALE, drawing.AMBER, drawing.RED)


def draw(rows: Sequence[Row], width: int) -> Figure:
    """A line a corruption, a point a severity: light, medium, heavy."""
    names = list(dict.fromkeys(row.corruption for row in rows))
    figure = drawing.canvas(width, 90 + 26 * len(names))
    axes = figure.subplots()
    for place, name in enumerate(reversed(names)):
        own = sorted((row for row in rows if row.corruption == name), key=lambda row: row.severity)
        shares = [row.agreement.value or 0.0 for row in own]
        axes.hlines(place, min(shares), max(shares), color=drawing.HAIR, linewidth=2)
        for row, share in zip(own, shares, strict=True):
            colour = _COLOURS[min(row.severity, len(_COLOURS)) - 1]
            axes.plot([share], [place], marker="o", markersize=7, color=colour, linewidth=0)
    for colour, label in zip(_COLOURS, ("light", "medium", "heavy"), strict=True):
        axes.plot([], [], marker="o", markersize=7, color=colour, linewidth=0, label=label)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3, frameon=False)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
    axes.set_xlim(0, 1.03)
    drawing.quiet(axes, across=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", labelcolor=drawing.INK)
    axes.set_xlabel("share of photos with the same most probable continent as the clean photo")
    return figure
