"""Where a photo's time goes: a bar for the median of each stage, beginning where those before it end."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.figures import Latency
from bench.report.words import number
from local.page import drawing

ROW = 34


def draw(run: Latency, width: int) -> Figure:
    """Bars are medians, thin lines reach to p99; the last row is the whole, measured and not added up."""
    rows = [(stage.name, stage.p50_ms, stage.p99_ms) for stage in run.stages]
    starts = [sum(median for _, median, _ in rows[:index]) for index in range(len(rows))]
    rows.append(("due → read", run.p50_ms, run.p99_ms))
    starts.append(0.0)
    figure = drawing.canvas(width, ROW * len(rows) + 46)
    axes = figure.subplots()
    drawing.quiet(axes, across=False)
    reach = max(start + slow for start, (_, _, slow) in zip(starts, rows, strict=True))
    axes.set_xlim(0, reach * (1.32 if width >= drawing.WIDE else 1.75))
    for index, (start, (name, median, slow)) in enumerate(zip(starts, rows, strict=True)):
        whole = name == rows[-1][0]
        colour = drawing.INK if whole else drawing.BLUE
        axes.plot([start, start + slow], [index, index], color=colour, linewidth=1.2, solid_capstyle="butt")
        axes.plot([start + slow] * 2, [index - 0.16, index + 0.16], color=colour, linewidth=1.2)
        axes.barh(index, median, 0.5, start, color=colour)
        axes.annotate(
            f"{number(median)} · p99 {number(slow)}",
            (start + max(slow, median), index),
            (8, 0),
            textcoords="offset points",
            va="center",
            weight="bold" if whole else "normal",
        )
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], color=drawing.INK, fontsize=drawing.TEXT)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.axhline(len(rows) - 1.5, color=drawing.HAIR, linewidth=0.8)
    axes.set_xlabel("ms")
    return figure
