"""Values with their intervals, one below the other: classifiers, sources, continents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawn

from local.page import drawing
from training.evaluation.resampling import Figure


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what it is, its figure, and whether it is what the page is about."""

    name: str
    figure: Figure
    ours: bool = False


def draw(lines: Sequence[Line], axis: str, mark: float | None, width: int) -> Drawn:
    """Points with intervals along one axis; `mark` is a value to hold them against."""
    shown = [line for line in lines if line.figure.value is not None]
    figure = drawing.canvas(width, 60 + 26 * len(shown))
    axes = figure.subplots()
    if mark is not None:
        axes.axvline(mark, color=drawing.PALE, linewidth=1, linestyle=(0, (4, 3)))
    for place, line in enumerate(reversed(shown)):
        colour = drawing.BLUE if line.ours else drawing.MUTED
        if line.figure.low is not None and line.figure.high is not None:
            axes.hlines(place, line.figure.low, line.figure.high, color=colour, linewidth=2)
        axes.plot([line.figure.value or 0.0], [place], marker="o", markersize=6, color=colour, linewidth=0)
    axes.set_yticks(range(len(shown)), [line.name for line in reversed(shown)])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    drawing.quiet(axes, across=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", labelcolor=drawing.INK)
    axes.set_xlabel(axis)
    return figure
