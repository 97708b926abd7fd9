"""Children that do not outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import leash
from tests.local.processes import gone, runs, until

# A child that starts a grandchild, writes both ids, and neither of which ever ends by itself.
BROOD = "sleep 1000 & echo $$ $! > $0.part; mv $0.part $0; wait"

PARENT = """
import sys, time
from pathlib import Path
from local.leash import launch
launch("brood", ["sh", "-c", sys.argv[1], sys.argv[2]], log=Path(sys.argv[3]))
time.sleep(1000)
"""


def brood(pids: Path) -> list[psutil.Process]:
    """The child and the grandchild, once both run."""
    assert until(pids.exists)
    return [psutil.Process(int(pid)) for pid in pids.read_text(encoding="ascii").split()]


def watchers(parent: int) -> list[psutil.Process]:
    """The detached watchers that guard this parent's children."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if leash.__file__ in (line := process.info["cmdline"] or []) and str(parent) in line
    ]


@pytest.mark.parametrize("watched", [True, False], ids=["with its watcher", "its watcher killed, too"])
def test_a_killed_parent_takes_its_children_along(tmp_path: Path, *, watched: bool) -> None:
    """SIGKILL leaves no child; the grandchild goes with the watcher, the child even without it."""
    pids = tmp_path / "pids"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, BROOD, str(pids), str(tmp_path / "log")])
    child, grandchild = brood(pids)
    if not watched:
        for watcher in watchers(parent.pid):
            watcher.kill()
        assert gone(watchers(parent.pid))
    parent.kill()
    parent.wait()
    assert gone([child, grandchild] if watched else [child])
    if runs(grandchild):
        grandchild.kill()


def test_a_child_that_dies_takes_its_group_along(tmp_path: Path) -> None:
    """Triton's model processes are grandchildren: they go when tritonserver is killed behind our back."""
    pids = tmp_path / "pids"
    with leash.launch("brood", ["sh", "-c", BROOD, str(pids)], log=tmp_path / "log") as leashed:
        child, grandchild = brood(pids)
        assert child.pid == leashed.pid
        os.kill(leashed.pid, signal.SIGKILL)
        leashed.process.wait()
        assert gone([grandchild])


def test_stop_ends_politely_and_kills_what_ignores_it(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed after the grace, one that heeds it ends with its own code."""
    heeding = leash.launch(
        "heeding",
        ["sh", "-c", "trap 'exit 3' TERM; echo set; while :; do sleep 0.01; done"],
        log=tmp_path / "1",
    )
    assert until(lambda: "set" in heeding.log.read_text(encoding="utf-8"))
    heeding.stop(grace=10.0)
    assert heeding.process.returncode == 3
    deaf = leash.launch(
        "deaf", ["sh", "-c", "trap '' TERM; echo set; while :; do sleep 0.01; done"], log=tmp_path / "2"
    )
    assert until(lambda: "set" in deaf.log.read_text(encoding="utf-8"))
    deaf.stop(grace=0.2)
    assert deaf.process.returncode == -signal.SIGKILL


def test_no_watcher_stays_behind(tmp_path: Path) -> None:
    """The watcher ends with the child that it guards."""
    hold = tmp_path / "hold"
    os.mkfifo(hold)
    with leash.launch("short", ["cat", str(hold)], log=tmp_path / "log") as leashed:
        ours: list[psutil.Process] = []

        def found() -> bool:
            ours[:] = [watcher for watcher in watchers(os.getpid()) if str(hold) in watcher.info["cmdline"]]
            return bool(ours)

        assert until(found)
        hold.write_bytes(b"")  # cat reads the end of the file and ends
        assert leashed.process.wait(10) == 0
    assert gone(ours)


def test_a_missing_program_says_so_in_the_log(tmp_path: Path) -> None:
    """Exit code 127 and the reason, as shells have it."""
    log = tmp_path / "log"
    leashed = leash.launch("missing", ["/no/such/program"], log=log)
    assert leashed.process.wait() == 127
    assert "/no/such/program: No such file or directory" in log.read_text(encoding="utf-8")
