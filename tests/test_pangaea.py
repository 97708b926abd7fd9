"""The front door: what a person sees when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pangaea

COMMANDS = (
    "run",
    "publish",
    "tail",
    "replay",
    "topics create",
    "topics check",
    "up",
    "demo",
    "doctor",
    "models build",
    "models check",
    "models card",
    "bench latency",
    "bench sweep",
)


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
    answer = call(*command.split(), "--help")
    assert answer.returncode == 0
    assert "Example" in answer.stdout
    assert f"pangaea {command}" in " ".join(answer.stdout.replace("│", " ").split())


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
