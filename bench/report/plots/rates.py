"""Latency against rate: every probe of a search, p50, p90 and p99, and where 200 ms ends it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Latency, Sustained, Sweep
from bench.report.words import DEADLINE_MS, count, number
from bench.sweep import complaint
from local.page import drawing

CURVES: tuple[tuple[str, Callable[[Latency], float], float], ...] = (
    ("p50", lambda probe: probe.p50_ms, 1.0),
    ("p90", lambda probe: probe.p90_ms, 1.4),
    ("p99", lambda probe: probe.p99_ms, 2.4),
)
"""Name, value and line width, from low to high."""

_TICKS = tuple(step * 10**power for power in range(6) for step in (1, 2, 5))
_LINE = 0.07
"""How far apart labels must be, as a share of a panel's height."""

Side: TypeAlias = Literal["left", "right"]
_SIDES: tuple[Side, Side] = ("right", "left")


def draw(sweep: Sweep, width: int) -> Figure:
    """A panel for each number of workers, side by side where there is room; all to one scale."""
    panels = len(sweep.sustained)
    beside = width >= drawing.WIDE
    height = 320 if beside else 250 * panels
    figure = drawing.canvas(width, height)
    grid = figure.subplots(
        1 if beside else panels, panels if beside else 1, sharex=True, sharey=True, squeeze=False
    )
    probes = [probe for found in sweep.sustained for probe in _known(found)]
    all_axes = list(grid.flat)
    _scale(all_axes[0], probes, sweep)
    for index, (axes, found) in enumerate(zip(all_axes, sweep.sustained, strict=True)):
        drawing.quiet(axes)
        axes.set_title(
            count(found.workers, "worker"), loc="left", fontsize=drawing.TEXT, weight="bold", pad=20
        )
        if index == 0 or not beside:
            axes.set_ylabel("ms")
        if beside or index == panels - 1:
            axes.set_xlabel("photos a second sent")
        _panel(axes, found, first=index == 0)
    return figure


def _known(found: Sustained) -> list[Latency]:
    """Probes, and the one at 80%, that have percentiles a logarithm can show."""
    return [
        probe
        for probe in (*found.probes, found.at_80_percent)
        if all(math.isfinite(value(probe)) and value(probe) > 0 for _, value, _ in CURVES)
    ]


def _scale(axes: Axes, probes: Sequence[Latency], sweep: Sweep) -> None:
    values = [value(probe) for probe in probes for _, value, _ in CURVES] or [DEADLINE_MS]
    rates = [probe.rate for probe in probes] or [1.0]
    low, high = min(values) / 1.4, max(*values, DEADLINE_MS) * 1.4
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_yticks([], minor=True)
    right = max(*rates, *(found.ceiling for found in sweep.sustained))
    axes.set_xlim(0, right * 1.16)


def _panel(axes: Axes, found: Sustained, *, first: bool) -> None:
    bottom, top = axes.get_ylim()
    axes.axhline(DEADLINE_MS, color=drawing.RED, linewidth=1, linestyle=(0, (4, 3)))
    if first:
        axes.annotate(
            "200 ms",
            (0, DEADLINE_MS),
            (4, 4),
            textcoords="offset points",
            color=drawing.RED,
            fontsize=drawing.SMALL,
        )
    kept, other = _SIDES if found.max_rate <= found.ceiling else _SIDES[::-1]
    axes.axvline(found.max_rate, color=drawing.INK, linewidth=1)
    _above(axes, found.max_rate, f"{number(found.max_rate)}/s kept", drawing.INK, kept)
    axes.axvline(found.ceiling, color=drawing.MUTED, linewidth=1, linestyle=(0, (1, 2)))
    _above(axes, found.ceiling, f"ceiling {number(found.ceiling)}", drawing.MUTED, other)
    probes = [probe for probe in _known(found) if probe.valid or probe.ended_early]
    rates = sorted({probe.rate for probe in probes})
    if not rates:
        return
    ends = []
    for _, value, weight in CURVES:
        line = [statistics.median(value(probe) for probe in probes if probe.rate == rate) for rate in rates]
        axes.plot(rates, line, color=drawing.BLUE, linewidth=weight)
        for probe in probes:
            kept_it = not complaint(probe)
            axes.plot(
                probe.rate,
                value(probe),
                "o",
                markersize=4.5,
                color=drawing.BLUE,
                markerfacecolor=drawing.BLUE if kept_it else drawing.PAPER,
            )
        ends.append(line[-1])
    spots = drawing.spaced([math.log(end / bottom) / math.log(top / bottom) for end in ends], _LINE)
    for (name, _, _), spot in zip(CURVES, spots, strict=True):
        axes.annotate(
            name,
            (rates[-1], spot),
            (8, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=drawing.BLUE,
            va="center",
        )


def _above(axes: Axes, rate: float, label: str, colour: str, side: Side) -> None:
    axes.annotate(
        label,
        (rate, 1),
        (-3 if side == "left" else 3, 5),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=colour,
        ha=side,
        fontsize=drawing.SMALL,
    )
