"""One run's latencies: how many took how long, on a logarithmic scale, with its percentiles marked."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.figures import Latency
from bench.report.words import DEADLINE_MS, number
from local.page import drawing

_TICKS = tuple(step * 10.0**power for power in range(-2, 6) for step in (1, 2, 5))
_LABEL = 105


def draw(run: Latency, width: int) -> Figure:
    """Bars of equal width on the logarithm; below them a tick for each bucket beyond p99."""
    figure = drawing.canvas(width, 250)
    axes = figure.subplots()
    edges = np.array([edge for edge, _ in run.histogram])
    counts = np.array([times for _, times in run.histogram])
    low, high = float(edges.min()) / 1.3, max(float(edges.max()), DEADLINE_MS) * 1.25
    # The last label stands on the right of its mark, and needs room there.
    high = max(high, run.p999_ms * (run.p999_ms / low) ** (_LABEL / (width - _LABEL)))
    bins = np.geomspace(low, high, width // 8)
    heights, _ = np.histogram(edges, bins, weights=counts)
    tallest = float(heights.max())
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.12 * tallest, 1.62 * tallest)
    axes.bar(bins[:-1], heights, np.diff(bins) * 0.9, align="edge", color=drawing.BLUE, linewidth=0)
    tail = edges[edges > run.p99_ms]
    axes.vlines(tail, -0.1 * tallest, -0.03 * tallest, color=drawing.BLUE, linewidth=0.8)
    drawing.quiet(axes, across=False)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("ms from the intended send to the committed record")
    axes.axvline(DEADLINE_MS, color=drawing.RED, linewidth=1, linestyle=(0, (4, 3)))
    marks = (("p50", run.p50_ms), ("p90", run.p90_ms), ("p99", run.p99_ms), ("p99.9", run.p999_ms))
    for index, (name, value) in enumerate(marks):
        top = (1.55 - 0.14 * index) * tallest
        axes.vlines(value, 0, top, color=drawing.INK, linewidth=0.9)
        axes.annotate(
            f"{name}  {number(value, 'ms')}",
            (value, top),
            (5, 0),
            textcoords="offset points",
            va="top",
        )
    return figure
