"""Figures as one page with plots: a single file that asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report import sections
from bench.report.saved import Figures
from bench.report.sections import Found
from bench.report.words import machine
from local.page.template import environment

HERE = Path(__file__).resolve().parent


def write(figures: Sequence[Figures], path: Path) -> None:
    """Write the page as `path`, with its folders; any set of figures makes one."""
    found = Found.of(figures)
    text = (
        environment(HERE)
        .get_template("page.html.j2")
        .render(
            machines=[machine(each) for each in found.machines],
            found=found,
            tiles=list(sections.tiles(found)),
            sections=list(sections.sections(found)),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
