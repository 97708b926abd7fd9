"""Figures are not lost to a path: all are looked at before anything is started, and each is attempted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import run, stand
from bench.app import bench_app
from bench.files import Files
from bench.report import saved
from tests.bench import invented
from worker.errors import Refuse

COMMANDS = (["limit"], ["latency"], ["sweep"], ["peers", "--only", "pangaea"])


@pytest.fixture(autouse=True)
def _nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that is started after all is seen."""

    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("a stack was started")

    monkeypatch.setattr(stand, "opened", opened)
    monkeypatch.setattr("bench.contest.opened", opened)


def refusal(arguments: list[str]) -> Refuse:
    """What the command ends with."""
    found = CliRunner().invoke(bench_app, arguments).exception
    assert isinstance(found, Refuse), found
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("option", ["--json", "--csv", "--html"])
def test_a_file_that_cannot_be_written_is_refused_at_once(
    command: list[str], option: str, tmp_path: Path
) -> None:
    """Below a file, or where a folder is: exit code 2 and a sentence, before anything is started."""
    (tmp_path / "file").write_text("here")
    for path in (tmp_path / "file" / "figures", tmp_path):
        found = refusal([*command, option, str(path)])
        assert f"{option} {path} cannot be written (" in str(found)
        assert found.exit_code == 2


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_page_without_its_libraries_is_refused_at_once(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not the extra is told which it is before anything is started, and not after twenty minutes."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "--html needs the bench extra" in str(refusal([*command, "--html", str(tmp_path / "page.html")]))


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Folders are made; a file that is there keeps what is in it, and none is left that was not there."""
    old, new, link = tmp_path / "old.json", tmp_path / "folder" / "new.csv", tmp_path / "link.html"
    old.write_text("kept")
    link.symlink_to(tmp_path / "nowhere.html")
    Files(json=old, csv=new, html=link).ensure()
    assert old.read_text() == "kept"
    assert new.parent.is_dir()
    assert not new.exists()
    assert link.is_symlink()
    assert not link.exists()


def test_one_file_for_two_is_refused(tmp_path: Path) -> None:
    """The second would overwrite the first."""
    with pytest.raises(Refuse, match="--json and --csv are one file"):
        Files(json=tmp_path / "a", csv=tmp_path / "b" / ".." / "a").ensure()


def test_each_file_is_attempted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk for one of them costs that one: the others are written, the figures shown."""
    full, csv = Path("/dev/full"), tmp_path / "limit.csv"
    with pytest.raises(
        Refuse, match=r"/dev/full \(No space left on device\) could not be written"
    ) as refusal:
        run.finish(invented.limit(), Files(json=full, csv=csv))
    assert "decode" in csv.read_text()
    assert "bare ceiling" in capsys.readouterr().out
    kept = Path(str(refusal.value).partition("the figures are in ")[2].partition(",")[0])
    assert saved.read(kept) == invented.limit()
    json_ = tmp_path / "limit.json"
    with pytest.raises(Refuse, match="/dev/full"):
        run.finish(invented.limit(), Files(json=json_, csv=full))
    assert json.loads(json_.read_text())["cores"] == 2


def test_a_report_tells_which_file_it_could_not_write(tmp_path: Path) -> None:
    """Made of a file that is there: nothing is to be saved, and the other file is written."""
    figures, page = tmp_path / "limit.json", tmp_path / "page.md"
    saved.write(invented.limit(), figures)
    page.write_text("no place for figures")
    with pytest.raises(Refuse, match=r"/dev/full \(No space left"):
        run.report([figures], csv=Path("/dev/full"), html=None, markdown=None)
