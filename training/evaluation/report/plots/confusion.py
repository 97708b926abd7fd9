"""Confusion: of the photos of each continent, what share was called what."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from local.page import drawing
from worker.record import DISPLAY_NAMES

_NARROW = 500


def draw(counts: Sequence[Sequence[int]], width: int) -> Figure:
    """A square a pair, as dark as its share of the row; the number is the count."""
    names = list(DISPLAY_NAMES.values())
    side = min(width, 560)
    figure = drawing.canvas(width, side * 0.92)
    axes = figure.subplots()
    for row, line in enumerate(counts):
        total = sum(line)
        for column, count in enumerate(line):
            share = count / total if total else 0.0
            colour = to_rgba(drawing.GREEN if row == column else drawing.AMBER, alpha=0.08 + 0.72 * share)
            if count:
                axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, color=colour, linewidth=0))
            axes.text(
                column,
                row,
                str(count) if count else "·",
                ha="center",
                va="center",
                color=drawing.INK if count else drawing.PALE,
            )
    shown = names if width > _NARROW else ["".join(part[0] for part in name.split()) for name in names]
    axes.set_xticks(range(len(names)), shown, rotation=0 if width <= _NARROW else 28, ha="center")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_aspect("equal")
    drawing.quiet(axes)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel("most probable")
    axes.set_ylabel("truth")
    return figure
