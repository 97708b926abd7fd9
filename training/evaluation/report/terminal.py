"""An evaluation for a terminal: the tables that one came for."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Drawn
from rich.text import Text

from local.page.table import Table
from training.evaluation.evaluation import Evaluation
from training.evaluation.report import tables


def render(found: Evaluation) -> Group:
    """Scores, comparisons, continents, sources, and what one has to know about them."""
    parts: list[RenderableType] = [_drawn(tables.scores(found.summary, "Scores"))]
    if found.rows:
        parts += [_drawn(tables.compared(found)), _drawn(tables.differences(found))]
    parts.append(_drawn(tables.continents(found.summary)))
    if found.summary.sources > 1:
        parts.append(_drawn(tables.sources(found.summary)))
    if found.others:
        parts.append(_drawn(tables.domains(found)))
    if found.ablations:
        parts.append(_drawn(tables.ablations(found)))
    if found.robustness:
        parts.append(_drawn(tables.robustness_in_short(found)))
    parts += [Text(line) for line in (*tables.counts(found), *found.notes)]
    parts.append(Text(f"Measured: {found.how}."))
    return Group(*parts)


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if index in table.prose else "right")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn
