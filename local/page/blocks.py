"""What a page holds: values that `blocks.html.j2` lays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from matplotlib.figure import Figure

from local.page.table import Table


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing for a width in pixels, what it shows for those who do not see it, and what one is to see."""

    draw: Callable[[int], Figure]
    label: str
    caption: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure large: what it is, its value with the unit, and what it is to be held against."""

    label: str
    value: str
    unit: str
    beside: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What the following pictures are about."""

    text: str


Block: TypeAlias = Heading | Picture | Table | str
"""A string is a paragraph."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what is under it."""

    name: str
    title: str
    blocks: tuple[Block, ...]
