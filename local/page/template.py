"""Templates of pages: styles by day, by night and on paper, blocks laid out, and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from local.page.blocks import Heading, Picture
from local.page.drawing import both
from local.page.table import Table

HERE = Path(__file__).resolve().parent


def environment(*folders: Path) -> Environment:
    """Templates of these folders, `base.html.j2`, which they extend, and `blocks.html.j2`, which they import.

    What is missing is an error. `heading`, `picture` and `table` tell blocks apart; `drawn` draws a picture.
    """
    found = Environment(
        loader=FileSystemLoader([*folders, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.tests["heading"] = lambda block: isinstance(block, Heading)
    found.tests["picture"] = lambda block: isinstance(block, Picture)
    found.tests["table"] = lambda block: isinstance(block, Table)
    found.globals["drawn"] = _drawn
    return found


def _drawn(picture: Picture) -> Markup:
    return both(picture.draw, picture.label)
