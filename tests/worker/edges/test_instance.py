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
    first, second = claim(None), claim(None)
    assert first.name != second.name
    freed = first.name
    first.release()
    third = claim(None)
    assert third.name == freed
    second.release()
    third.release()


def test_a_live_name_twice_is_refused() -> None:
    """The second worker of a name is told so, instead of fencing the first."""
    held = claim("pod-1")
    with pytest.raises(Refuse, match="pod-1 already"):
        claim("pod-1")
    held.release()
    claim("pod-1").release()


def test_a_killed_process_gives_its_name_back(tmp_path: Path) -> None:
    """The kernel lets go of the lock when the process dies, however it dies."""
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from worker.edges.instance import claim\n"
        "kept = claim('pod-2'); print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(Refuse):
        claim("pod-2")
    child.kill()
    child.communicate()
    claim("pod-2").release()
