"""The page that all reports share: styles by day, by night and on paper, and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).resolve().parent


def environment(*folders: Path) -> Environment:
    """Templates of these folders, and `base.html.j2`, which they extend; what is missing is an error."""
    return Environment(
        loader=FileSystemLoader([*folders, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
