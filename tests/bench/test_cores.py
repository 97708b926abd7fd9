"""Keeping to some processors: this process, its threads, what it starts; and what a quota leaves of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench import cores, machine
from bench.cores import held
from bench.quota import granted
from worker.errors import Refuse

SEEN = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]


def seen_by_a_child() -> int:
    """How many processors a new process may use."""
    return int(subprocess.run(SEEN, check=True, capture_output=True, text=True).stdout)


def test_everything_keeps_to_them_and_is_let_go() -> None:
    """A thread that ran before, a new process, this one: all keep to one processor, and then to none."""
    before = os.sched_getaffinity(0)
    asked, over = threading.Event(), threading.Event()

    def waits() -> None:
        asked.set()
        over.wait()

    thread = threading.Thread(target=waits)
    thread.start()
    asked.wait()
    assert thread.native_id is not None
    try:
        with held(1) as count:
            assert count == 1
            assert len(os.sched_getaffinity(0)) == len(os.sched_getaffinity(thread.native_id)) == 1
            assert seen_by_a_child() == 1
        assert os.sched_getaffinity(0) == os.sched_getaffinity(thread.native_id) == before
        assert seen_by_a_child() == len(before)
    finally:
        over.set()
        thread.join()


def test_all_by_default() -> None:
    """Without a number nothing changes."""
    with held(None) as count:
        assert count == len(os.sched_getaffinity(0)) == seen_by_a_child()


@pytest.mark.parametrize("count", [0, 100_000])
def test_what_is_not_there_is_refused(count: int) -> None:
    """No processor at all, or more than there are: one sentence, exit code 2."""
    with (
        pytest.raises(Refuse, match=f"--cores {count} is not possible here: choose 1 to ") as refusal,
        held(count),
    ):
        pass
    assert refusal.value.exit_code == 2


V2 = "31 23 0:28 {top} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "30 23 0:27 / /proc rw - proc proc rw\n"
    "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)


def system(root: Path, *, mounts: str, groups: str, **files: str) -> Path:
    """A /proc and a /sys as a kernel would show them; `files` are below /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("mounts", "groups", "files", "quota"),
    [
        (V2.format(top="/"), "0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        (V2.format(top="/"), "0::/\n", {"cpu.max": "max 100000\n"}, None),
        (V2.format(top="/"), "0::/\n", {}, None),
        # The group above grants less than our own.
        (V2.format(top="/"), "0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "200000 50000"}, 0.5),
        (V2.format(top="/docker/7"), "0::/docker/7\n", {"cpu.max": "200000 100000"}, 2.0),
        # A group beside ours is not ours.
        (V2.format(top="/"), "0::/a\n", {"b/cpu.max": "50000 100000"}, None),
        # Docker's v1: the path is that of the host, the mount shows the group itself.
        (
            V1.format(top="/docker/7"),
            "4:cpuset:/\n3:cpu,cpuacct:/docker/7\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3.0,
        ),
        (
            V1.format(top="/"),
            "3:cpu,cpuacct:/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ("", "", {}, None),
    ],
)
def test_a_quota_is_found(
    mounts: str, groups: str, files: dict[str, str], quota: float | None, tmp_path: Path
) -> None:
    """Whatever the kernel's version and the container's way: the least that its groups grant."""
    assert granted(system(tmp_path, mounts=mounts, groups=groups, **files)) == quota


@pytest.mark.parametrize(("quota", "wanted"), [(0.5, 0.5), (100_000.0, None), (None, None)])
def test_what_is_usable_is_the_lesser_of_processors_and_quota(
    quota: float | None, wanted: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures' machine has what could be used and the quota; more than the quota cannot be asked for."""
    monkeypatch.setattr(cores, "granted", lambda: quota)
    monkeypatch.setattr(machine, "granted", lambda: quota)
    found = machine.examine("bf16")
    assert found.cores == (wanted or len(os.sched_getaffinity(0)))
    assert found.quota == quota
    assert ("by a quota" in found.cores_said) == (wanted is not None)
    if wanted == 0.5:
        with pytest.raises(Refuse, match="choose 1 to 1,"), held(2):
            pass
