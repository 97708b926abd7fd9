"""Folders that are made whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import install
from worker.errors import Refuse

SLOW = """
import sys, time
from pathlib import Path
from local.install import once

def build(staged):
    (Path(sys.argv[1]) / f"built-{time.monotonic_ns()}").touch()
    time.sleep(0.3)
    (staged / "whole").touch()

assert (once(Path(sys.argv[1]) / "thing", build, needs_mib=0) / "whole").exists()
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    place = tmp_path / "tiny"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a tiny disk needs root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_two_first_uses_at_once_build_once(tmp_path: Path) -> None:
    """One process builds, the other waits and finds it made."""
    env = dict(os.environ) | {"PANGAEA_HOME": str(tmp_path)}
    both = [subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)], env=env) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    assert len(list(tmp_path.glob("built-*"))) == 1


def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a folder is never taken for a whole one; what a killed attempt left goes, too."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    (tmp_path / ".thing.killed" / "thing").mkdir(parents=True)

    def break_off(staged: Path) -> None:
        (staged / "half").touch()
        raise Refuse("broken off: try again.")

    with pytest.raises(Refuse, match="broken off"):
        install.once(tmp_path / "thing", break_off, needs_mib=0)
    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]
    made = install.once(tmp_path / "thing", lambda staged: (staged / "whole").touch(), needs_mib=0)
    assert [path.name for path in made.iterdir()] == ["whole"]


def test_too_little_space_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says how much there is, how much is needed and the mend."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    with pytest.raises(Refuse, match=r"MiB free and 1000000000 are needed: .* PANGAEA_HOME"):
        install.once(tmp_path / "thing", lambda _: None, needs_mib=1_000_000_000)


def test_a_disk_that_fills_up_is_one_sentence(tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that meets the end of the disk is refused with the mend, and leaves nothing."""
    monkeypatch.setenv("PANGAEA_HOME", str(tiny_disk))
    with pytest.raises(Refuse, match=r"the disk under .* is full: free some space, or point PANGAEA_HOME"):
        install.once(tiny_disk / "thing", _fill, needs_mib=0)
    assert [path.name for path in tiny_disk.iterdir()] == [".thing.lock"]


def test_an_unwritable_place_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the folder should be stands for every place that cannot be written, root or not."""
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("PANGAEA_HOME", str(blocked / "home"))
    with pytest.raises(Refuse, match=r"cannot be written \(Not a directory\): .* PANGAEA_HOME"):
        install.once(blocked / "home" / "thing", lambda _: None, needs_mib=0)


def _fill(staged: Path) -> None:
    (staged / "large").write_bytes(bytes(1_000_000))
