"""An evaluation as one page with pictures: a single file that asks nobody for anything."""

from __future__ import annotations

from pathlib import Path

from local.page.template import environment
from training.evaluation.evaluation import Evaluation
from training.evaluation.report import sections
from training.evaluation.report.tables import counted

HERE = Path(__file__).resolve().parent


def page(found: Evaluation) -> str:
    """The page as HTML."""
    return (
        environment(HERE)
        .get_template("evaluation.html.j2")
        .render(
            found=found,
            counted=counted(found.summary),
            tiles=list(sections.tiles(found)),
            sections=list(sections.sections(found)),
        )
    )
