"""Figures as one page with plots: a single file that asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report import sections
from bench.report.drawing import both
from bench.report.saved import Figures
from bench.report.sections import Found, Heading, Picture
from bench.report.tables import Table
from bench.report.template import environment
from bench.report.words import machine


def write(figures: Sequence[Figures], path: Path) -> None:
    """Write the page as `path`, with its folders; any set of figures makes one."""
    found = Found.of(figures)
    text = (
        environment()
        .get_template("page.html.j2")
        .render(
            machines=[machine(each) for each in found.machines],
            found=found,
            tiles=list(sections.tiles(found)),
            sections=list(sections.sections(found)),
            drawn=lambda picture: both(picture.draw, picture.label),
            is_heading=lambda block: isinstance(block, Heading),
            is_picture=lambda block: isinstance(block, Picture),
            is_table=lambda block: isinstance(block, Table),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
