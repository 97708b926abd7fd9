"""The contenders of one run: rate, p99 and overhead, medians as dots on the spread of their repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Peer, Peers
from bench.report.words import number
from local.page import drawing

OURS = "pangaea"
"""Whose figures stand out."""

_LETTERS, _LINE, _AROUND = 34, 14, 40
_NARROW_ROW = 40

Values: TypeAlias = Sequence[tuple[float, Sequence[float]]]
"""A median and its repetitions, by contender."""


def draw(peers: Peers, width: int) -> Figure:
    """Three panels: side by side with the promises on their left, or one below the other."""
    rows = peers.peers
    panels = (
        ("photos a second →", [(peer.rate, peer.rates) for peer in rows]),
        (f"← p99, ms, at {number(rows[0].p99_rate)}/s", [(peer.p99_ms, peer.p99s_ms) for peer in rows]),
        ("← CPU overhead, µs a record", [(peer.overhead_us, peer.overheads_us) for peer in rows]),
    )
    if width >= drawing.WIDE:
        promises = ["\n".join(wrap(peer.guarantees, _LETTERS)) for peer in rows]
        lines = max(promise.count("\n") + 1 for promise in promises)
        figure = drawing.canvas(width, (_LINE * lines + _AROUND) * len(rows) + 40)
        words, *rest = figure.subplots(1, 4, sharey=True, width_ratios=(1.3, 1, 1, 1))
        _promises(words, rows, promises)
    else:
        figure = drawing.canvas(width, 3 * (_NARROW_ROW * len(rows) + 44))
        rest = list(figure.subplots(3, 1))
    for axes, (title, values) in zip(rest, panels, strict=True):
        _panel(axes, title, values, rows, named=width < drawing.WIDE)
    return figure


def _promises(axes: Axes, rows: Sequence[Peer], promises: Sequence[str]) -> None:
    drawing.bare(axes)
    for index, (peer, promise) in enumerate(zip(rows, promises, strict=True)):
        axes.annotate(
            peer.name,
            (0, index),
            (0, 8),
            textcoords="offset points",
            weight=_weight(peer),
            va="center",
            color=_colour(peer),
        )
        axes.annotate(
            promise,
            (0, index),
            (0, -1),
            textcoords="offset points",
            va="top",
            fontsize=drawing.SMALL - 0.5,
            color=drawing.MUTED,
            linespacing=1.25,
        )


def _panel(axes: Axes, title: str, values: Values, rows: Sequence[Peer], *, named: bool) -> None:
    axes.set_title(title, loc="left", fontsize=drawing.SMALL, color=drawing.MUTED, pad=8)
    drawing.quiet(axes, across=False)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    right = max(0.0, *(max(value, *spread) for value, spread in values))
    # Only an overhead may lie below zero: by noise, which is shown as it is.
    left = min(0.0, *(min(value, *spread) for value, spread in values))
    reach = right - left or 1.0
    axes.set_xlim(left - 0.03 * reach, right + 0.42 * reach)
    for index, (peer, (value, spread)) in enumerate(zip(rows, values, strict=True)):
        colour = _colour(peer)
        line = index + (0.12 if named else 0)
        axes.plot([left, right + 0.05 * reach], [line, line], color=drawing.HAIR, linewidth=0.8)
        axes.plot(
            [min(spread), max(spread)],
            [line, line],
            color=colour,
            linewidth=5,
            alpha=0.35,
            solid_capstyle="butt",
        )
        axes.plot(value, line, "o", color=colour, markersize=7)
        axes.annotate(
            number(value),
            (max(value, *spread), line),
            (9, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight=_weight(peer),
        )
        if named:
            axes.text(left, index - 0.24, peer.name, va="center", color=colour, fontsize=drawing.SMALL)


def _colour(peer: Peer) -> str:
    return drawing.BLUE if peer.name == OURS else drawing.INK


def _weight(peer: Peer) -> str:
    return "bold" if peer.name == OURS else "normal"
