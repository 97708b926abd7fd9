"""Keeping to some processors: this process, its threads, and what it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from bench.cores import held
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
