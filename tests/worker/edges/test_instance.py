"""One name, one live process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from worker.edges.instance import claim
from worker.errors import Refuse


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of this test lie in a folder of its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_lowest_free_slot() -> None:
    """Two live workers get two names; a restart takes the name that has come free."""
    first, second = claim(None, "here"), claim(None, "here")
    assert first.name != second.name
    freed = first.name
    first.release()
    third = claim(None, "here")
    assert third.name == freed
    second.release()
    third.release()


def test_a_live_name_twice_is_refused() -> None:
    """The second worker of a name is told so, instead of fencing the first."""
    held = claim("pod-1", "here")
    with pytest.raises(Refuse, match="pod-1 already"):
        claim("pod-1", "here")
    held.release()
    claim("pod-1", "here").release()


def test_two_groups_have_a_name_each() -> None:
    """The identity is group and name: a second fleet on one host may call its workers as the first does."""
    here, there = claim("pod-1", "here"), claim("pod-1", "a/long:group" * 30)
    assert here.transactional_id == "pangaea-here:pod-1"
    assert there.transactional_id != here.transactional_id
    here.release()
    there.release()


def test_a_killed_process_gives_its_name_back(tmp_path: Path) -> None:
    """The kernel lets go of the lock when the process dies, however it dies."""
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from worker.edges.instance import claim\n"
        "kept = claim('pod-2', 'here'); print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(Refuse):
        claim("pod-2", "here")
    child.kill()
    child.communicate()
    claim("pod-2", "here").release()
