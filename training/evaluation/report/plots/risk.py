"""Risk against coverage: what is wrong among the photos that the model is surest of."""

from __future__ import annotations

from matplotlib.figure import Figure

from local.page import drawing
from training.evaluation.selective import Curve


def draw(curve: Curve, width: int) -> Figure:
    """The curve, and the level of a sureness that says nothing."""
    figure = drawing.canvas(width, 280)
    axes = figure.subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.axhline(curve.blind, color=drawing.PALE, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "a sureness that says nothing",
        (0, curve.blind),
        (4, 4),
        textcoords="offset points",
        color=drawing.MUTED,
    )
    axes.plot(curve.shares, curve.risks, color=drawing.BLUE, linewidth=2, marker="o", markersize=4)
    drawing.quiet(axes)
    axes.set_xlabel("share of photos called, the surest first")
    axes.set_ylabel("share wrong among them")
    return figure
