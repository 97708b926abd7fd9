"""The commands: help, recipes without torch, and what is refused before anything is trained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from training.finetune.app import app
from training.finetune.recipes import RECIPES
from training.places import ROOT


def test_every_command_has_help_with_an_example() -> None:
    """That the command itself understands, options and all."""
    group = typer.main.get_command(app)
    assert set(group.commands) == {"run", "compare", "recipes"}  # type: ignore[attr-defined]
    for name in ("run", "compare", "recipes"):
        done = CliRunner().invoke(app, [name, "--help"])
        assert done.exit_code == 0
        assert f"pangaea finetune {name}" in " ".join(done.stdout.split())


def test_recipes_are_listed_without_torch(tmp_path: Path) -> None:
    """With torch out of reach: every backbone, its input, its stages."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from training.finetune.app import app\n"
        f"app(['recipes', '--thaw-every', '2', '--json', {str(tmp_path / 'r.json')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "r.json").read_text())
    assert list(found) == list(RECIPES)
    for name, one in found.items():
        assert name in done.stdout
        assert (one["size"], one["embedding"]) == (RECIPES[name].size, RECIPES[name].width)
        assert [thaw["epoch"] for thaw in one["thaws"]] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("option", [("--epochs", "0"), ("--corrupted", "1.5"), ("--workers", "-1")])
def test_values_out_of_range_are_bad_usage(option: tuple[str, str]) -> None:
    """Exit code 2, before anything is read."""
    done = CliRunner().invoke(app, ["run", "nowhere", "--output", "nowhere", *option])
    assert done.exit_code == 2
