"""Write docs/model-card.md from the cards: no number there is typed by hand.

`python -m training.evaluation.model_card` writes it anew; `make train` does so after a fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.evaluation.report.tables import NAMES, number, told, with_interval
from training.evaluation.resampling import Figure
from training.evaluation.summary import COMPARED
from training.places import MODELS, ROOT

PAGE: Final = ROOT / "docs" / "model-card.md"
PRECISION: Final = "fp32"
"""The block that the page speaks of; the others stand in their table."""

HERE: Final = Path(__file__).resolve().parent


def render(card: Mapping[str, Any], backbone: Mapping[str, Any]) -> str:
    """The page, of the card of `continent` and that of `efficientnet`."""
    environment = Environment(  # noqa: S701 - Markdown, of numbers and of words that are ours
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    block = card["precisions"][PRECISION]
    page = environment.get_template("model_card.md.j2").render(
        card=card,
        backbone=backbone,
        block=block,
        s=card["scores"],
        t=card["training"],
        at=block["threshold"],
        theta=block["threshold"]["theta"],
        names=[name for name in NAMES if name in card["scores"]],
        words=NAMES,
        compared=COMPARED,
        compared_words=[NAMES[name] for name in COMPARED],
        value=lambda figure: number(figure["value"]),
        span=_span,
        number=_number,
        signed=lambda figure: with_interval(_figure(figure), signed=True),
        verdict=lambda name, figure: told(name, _figure(figure)),
    )
    return page.rstrip("\n") + "\n"


def write(models: Path = MODELS, page: Path = PAGE) -> None:
    """Write the page of a folder of models."""
    cards = [json.loads((models / name / "card.json").read_bytes()) for name in ("continent", "efficientnet")]
    page.write_text(render(*cards), encoding="utf-8")


def _span(figure: Mapping[str, float | None]) -> str:
    return "–" if figure["low"] is None else f"{number(figure['low'])}–{number(figure['high'])}"


def _number(value: float | None, decimals: int = 3) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"


def _figure(document: Mapping[str, float | None]) -> Figure:
    return Figure(value=document["value"], low=document["low"], high=document["high"])


if __name__ == "__main__":
    write()
