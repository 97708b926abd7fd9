"""Drawings as SVG for a page: its own text, its own colours by day and by night, at the width that it has.

matplotlib draws in a palette of which every colour stands for a variable of the page (base.html.j2); the SVG
names the variable, and the colour itself where there is no page. Units: one pixel of the page is one point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any, TypeAlias
from zlib import crc32

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1c2329"
MUTED = "#5a646e"
HAIR = "#d3d9de"
PAPER = "#fdfdfc"
BLUE = "#17658a"
AMBER = "#9a5b00"
GREEN = "#3f7350"
PALE = "#b9c3cb"
RED = "#b3261e"

VARIABLES: Mapping[str, str] = {
    INK: "ink",
    MUTED: "muted",
    HAIR: "hair",
    PAPER: "paper",
    BLUE: "blue",
    AMBER: "amber",
    GREEN: "green",
    PALE: "pale",
    RED: "red",
}
"""Which variable of the page each colour is; base.html.j2 gives them their values."""

WIDE = 840
NARROW = 340
TEXT = 12.0
SMALL = 11.0

_INCH = 72

STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pangaea",
    "font.size": TEXT,
    "text.color": INK,
    "axes.edgecolor": HAIR,
    "axes.labelcolor": MUTED,
    "axes.labelsize": SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1.0,
    "xtick.color": HAIR,
    "ytick.color": HAIR,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
"""matplotlib's settings for one drawing; nobody else's are touched."""


def canvas(width: int, height: float) -> Figure:
    """An empty drawing of so many pixels."""
    return Figure(figsize=(width / _INCH, height / _INCH), layout="constrained")


Drawing: TypeAlias = tuple[Callable[[int], Figure], str]
"""What draws for a width in pixels, and what it shows, for those who do not see it."""


def both(draw: Callable[[int], Figure], label: str) -> Markup:
    """The drawing at both widths; the page shows the one that fits its reader's screen."""
    with mpl.rc_context(dict(STYLE)):
        wide, narrow = draw(WIDE), draw(NARROW)
        return svg(wide, label, "wide") + svg(narrow, label, "narrow")


def one(draw: Callable[[int], Figure], label: str) -> Markup:
    """The drawing at one width for every screen: for what has too many points to be drawn twice."""
    with mpl.rc_context(dict(STYLE)):
        return svg(draw(WIDE), label, "any")


def svg(figure: Figure, label: str, kind: str = "wide") -> Markup:
    """The drawing as an element of a page; `label` is what it shows, for those who do not see it."""
    buffer = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r" font-family: [^;\"]+;?", "", text)
    for colour, name in VARIABLES.items():
        text = text.replace(colour, f"var(--{name}, {colour})")
    # Identifiers are those of one document: the drawing's own get its label and width.
    own = f"{crc32(f'{kind} {label}'.encode()):x}"
    text = re.sub(r'\bid="([^"]+)"', rf'id="d{own}-\1"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\1d{own}-", text)
    opening = f'<svg class="{kind}" role="img" aria-label="{escape(label)}" focusable="false" '
    return Markup(text.replace("<svg ", opening, 1).strip())  # noqa: S704 - our own drawing, its label escaped


def quiet(axes: Axes, *, across: bool = True) -> None:
    """Axes without more ink than they need: no ticks, hair lines to read along."""
    axes.tick_params(which="both", length=0, pad=5)
    axes.grid(visible=True, axis="y" if across else "x", color=HAIR, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left" if across else "bottom"].set_visible(False)


def spaced(places: Sequence[float], gap: float) -> list[float]:
    """The places, moved apart where they are closer than the gap, in their order from low to high.

    >>> spaced([10.0, 11.0, 40.0], 4.0)
    [8.5, 12.5, 40.0]
    """
    groups: list[list[float]] = []
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _low(groups[-1], gap) - _high(groups[-2], gap) < gap:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_low(group, gap) + index * gap for group in groups for index in range(len(group))]


def _low(group: Sequence[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _high(group: Sequence[float], gap: float) -> float:
    return _low(group, gap) + gap * (len(group) - 1)


def bare(axes: Axes) -> None:
    """Axes that are only a place to draw."""
    axes.set_axis_off()
