"""The front door: what a person sees when something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import pangaea


def leaves(command: Any, *before: str) -> Iterator[str]:
    """Every command that does something, by the words that call it."""
    for name, each in command.commands.items():
        if hasattr(each, "commands"):
            yield from leaves(each, *before, name)
        else:
            yield " ".join((*before, name))


COMMANDS = tuple(leaves(typer.main.get_command(pangaea.app)))


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "pangaea", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    """Every command explains itself, with an example that names it."""
    answer = CliRunner().invoke(pangaea.app, [*command.split(), "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.stdout
    assert f"pangaea {command}" in " ".join(answer.stdout.replace("│", " ").split())


def test_help_lists_every_command_under_a_heading() -> None:
    """Four headings in this order, all commands below them, none without its sentence."""
    answer = CliRunner().invoke(pangaea.app, ["--help"])
    assert answer.exit_code == 0
    panels = re.split(r"╭─ (.+?) ─+╮", answer.stdout)[1:]
    listed = dict(zip(panels[::2], panels[1::2], strict=True))
    headings = [pangaea.STREAM, pangaea.STACK, pangaea.MODELS, pangaea.MEASURE]
    assert [name for name in listed if name != "Options"] == headings
    rows = "".join(listed[name] for name in headings)
    told = set(re.findall(r"^│ ([\w-]+) +\w.* │$", rows, re.MULTILINE))
    assert told == {command.split()[0] for command in COMMANDS}


def test_bad_usage() -> None:
    """An unknown option is bad usage: exit code 2, no traceback."""
    answer = call("tail", "--sideways")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_a_foreseen_error_is_one_sentence() -> None:
    """No broker: one line that names the mend, exit code 1."""
    answer = call("tail", "--count", "1", PANGAEA_KAFKA__BOOTSTRAP="127.0.0.1:1")
    assert answer.returncode == 1
    (line,) = answer.stderr.strip().splitlines()
    assert line.startswith("pangaea: ")
    assert "`pangaea up`" in line


def test_an_unforeseen_error_is_one_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A defect keeps its traceback in a file and says where; the terminal shows none."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken() -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(pangaea, "app", broken)
    with pytest.raises(SystemExit) as ended:
        pangaea.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (kept,) = tmp_path.glob("pangaea-*.traceback")
    assert kept.name in said
    assert "nobody foresaw this" in kept.read_text()


def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command whose extra is not installed says which one to install."""

    def without_torch() -> None:
        raise ModuleNotFoundError(name="torch.nn")

    monkeypatch.setattr(pangaea, "app", without_torch)
    with pytest.raises(SystemExit):
        pangaea.main()
    assert "pip install 'pangaea[train]'" in capsys.readouterr().err
