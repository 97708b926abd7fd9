"""The command's face: what it takes, and that its options reach the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.evaluation import run
from training.evaluation.app import app
from training.evaluation.run import Plan
from training.places import MODELS


def test_help_has_an_example() -> None:
    """One that names the options that most will want."""
    said = CliRunner().invoke(app, ["--help"], terminal_width=200)
    assert said.exit_code == 0
    assert "Example" in said.output
    assert "--manifest" in said.output


def test_options_are_what_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option arrives; none is needed; the exit code is the plan's."""
    plans: list[Plan] = []

    def planned(plan: Plan) -> int:
        plans.append(plan)
        return 3

    monkeypatch.setattr(run, "evaluate", planned)
    runner = CliRunner()
    assert runner.invoke(app, []).exit_code == 3
    asked = "--manifest m.csv --models here --triton h:1 --no-corruptions --json a.json --html b.html"
    assert runner.invoke(app, asked.split()).exit_code == 3
    assert plans == [
        Plan(),
        Plan(
            manifest=Path("m.csv"),
            models=Path("here"),
            triton="h:1",
            corruptions=False,
            json=Path("a.json"),
            html=Path("b.html"),
        ),
    ]
    assert plans[0].models == MODELS
