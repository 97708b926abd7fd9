"""Reliability: how often the model is right against how sure it is, with what chance alone would do."""

from __future__ import annotations

from matplotlib.figure import Figure

from local.page import drawing
from training.evaluation.reliability import Reliability


def draw(found: Reliability, width: int) -> Figure:
    """A point a bin, as large as it has photos; the bars are where 95% of calibrated samples would lie."""
    side = min(width, 460)
    figure = drawing.canvas(width, side)
    axes = figure.subplots()
    axes.set_aspect("equal")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.plot([0, 1], [0, 1], color=drawing.PALE, linewidth=1)
    for each in found.bins:
        axes.vlines(each.confidence, each.least, each.most, color=drawing.PALE, linewidth=5)
    most = max(each.n for each in found.bins)
    axes.scatter(
        [each.confidence for each in found.bins],
        [each.right for each in found.bins],
        s=[20 + 130 * each.n / most for each in found.bins],
        color=drawing.BLUE,
        linewidth=0,
        zorder=3,
    )
    for each in found.bins:
        axes.annotate(
            str(each.n),
            (each.confidence, each.right),
            (9, -4),
            textcoords="offset points",
            color=drawing.MUTED,
        )
    drawing.quiet(axes)
    axes.set_xlabel("probability of the most probable continent")
    axes.set_ylabel("share right")
    return figure
