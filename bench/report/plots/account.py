"""The CPU account: what a photo costs each process under load, beside the parts measured alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.words import number
from local.page import drawing

Bar: TypeAlias = tuple[str, Mapping[str, float]]
"""A label and CPU milliseconds a photo by process."""

COUNTED: Mapping[str, str] = {"worker": drawing.BLUE, "triton": drawing.AMBER, "broker": drawing.GREEN}
"""The processes of the service, in their order; others (generator, reader) are instruments, drawn pale."""

ROW = 58


def draw(bars: Sequence[Bar], width: int) -> Figure:
    """A bar for each account; segments are labelled where they are wide enough, the table has the rest."""
    figure = drawing.canvas(width, ROW * len(bars) + 34)
    axes = figure.subplots()
    drawing.quiet(axes, across=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_ylim(len(bars) - 0.55, -0.75)
    reach = max(sum(costs.values()) for _, costs in bars)
    axes.set_xlim(0, reach * 1.02)
    axes.set_xlabel("CPU ms a photo")
    for index, (label, costs) in enumerate(bars):
        counted = sum(value for name, value in costs.items() if name in COUNTED)
        axes.annotate(
            f"{label}: {number(counted)} ms",
            (0, index - 0.36),
            (1, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )
        _segments(axes, index, costs, reach, width)
    return figure


def _segments(axes: Axes, index: int, costs: Mapping[str, float], reach: float, width: int) -> None:
    start = 0.0
    for name in (*COUNTED, *sorted(set(costs) - set(COUNTED))):
        cost = costs.get(name, 0.0)
        if not cost:
            continue
        colour = COUNTED.get(name, drawing.PALE)
        axes.barh(index, cost, 0.42, start, color=colour, edgecolor=drawing.PAPER, linewidth=1.5)
        # Letters of this size are seven pixels wide on average.
        room = cost / reach * width
        text = next((text for text in (f"{name} {number(cost)}", name) if room > 7.2 * len(text)), "")
        axes.annotate(
            text,
            (start + cost / 2, index),
            ha="center",
            va="center",
            color=drawing.PAPER if name in COUNTED else drawing.INK,
            fontsize=drawing.SMALL,
        )
        start += cost
