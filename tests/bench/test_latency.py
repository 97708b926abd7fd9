"""A whole run on a real stack with a real worker: what it finds, and that a stall cannot hide from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest

from bench import arrivals, stand
from bench.latency import Begun, Load, measure
from bench.stand import Stand
from bench.subject import Subject, Team, pangaea, started
from local.stack import Stack
from tests.end_to_end.harness import send, wait_until
from worker.errors import Refuse

ISSUES_NAMES = {
    "rate",
    "sent",
    "received",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "p999_ms",
    "late",
    "rejected",
    "generator_lag_ms",
    "valid",
}


@pytest.fixture(scope="module")
def place(stack: Stack) -> Stand:
    """The session's stack as a stand."""
    return stand.of(stack)


@pytest.fixture(scope="module")
def team(place: Stand) -> Iterator[Team]:
    """One worker, started after a photo that is nothing to it."""
    send(place.kafka, b"not a photo")
    with started(pangaea(), place, 1) as running:
        yield running


class Stall:
    """Stops a process for a second, so long after a run's begin; knows when it really stood."""

    def __init__(self, pid: int, after: float) -> None:
        self._pid, self._after = pid, after
        self.stood = (0.0, 0.0)
        """Between these moments, in seconds after the run's begin, it certainly did nothing."""
        self._thread = threading.Thread(target=self._stall)
        self._start = 0.0

    def begin(self, begun: Begun) -> None:
        """Hear that the run has begun."""
        self._start = begun.start
        self._thread.start()

    def _stall(self) -> None:
        threading.Event().wait(self._start + self._after - time.monotonic())
        os.kill(self._pid, signal.SIGSTOP)
        wait_until(self._all_stopped, 5, "a worker that stands still")
        since = time.monotonic() - self._start
        threading.Event().wait(1.0)
        self.stood = (since, time.monotonic() - self._start)
        os.kill(self._pid, signal.SIGCONT)

    def _all_stopped(self) -> bool:
        states = [path.read_text() for path in Path(f"/proc/{self._pid}/task").glob("*/stat")]
        return all(text.rpartition(")")[2].split()[0] == "T" for text in states)


def test_a_stall_shows_in_the_percentiles(place: Stand, team: Team) -> None:
    """No coordinated omission: with the worker stopped for 1 s of 4, every photo due meanwhile has waited.

    What each photo must have waited at least is known from when it was due and when the worker really stood,
    however slow the machine is: no percentile may lie below that of these bounds.
    """
    load = Load(rate=40.0, seconds=4.0, warm_up=1.0, seed=3)
    stall = Stall(team.pids[0], after=2.0)
    found = measure(place, team, load, begun=stall.begin)
    since, until = stall.stood
    due = arrivals.intended(load.rate, load.warm_up + load.seconds, load.seed)
    due = due[due >= load.warm_up]
    # A photo that was due after the stop was not even sent before it.
    least_ms = np.where((due > since) & (due < until), until - due, 0.0) * 1000
    assert found.sent == found.received == len(due)
    assert (found.lost, found.doubled, found.ended_early) == (0, 0, False)
    assert found.p90_ms >= np.percentile(least_ms, 90, method="lower") > 300
    assert found.p99_ms >= np.percentile(least_ms, 99, method="lower") > 700
    assert found.max_ms >= least_ms.max() > 800
    # The deadline counts from when a photo was sent.
    assert found.late >= (least_ms > 201 + found.generator_lag_max_ms).sum()
    assert sum(count for _, count in found.histogram) == found.received
    # The records' own timing begins when the photo was sent: here it knows of the stall as well.
    assert {stage.name for stage in found.stages} == {"queue", "decode", "infer", "publish", "commit"}
    assert {"worker", "triton", "broker", "generator", "reader"} == set(found.cpu_ms_per_photo)
    assert all(cost > 0 for cost in found.cpu_ms_per_photo.values())
    assert all(mib > 10 for mib in found.memory_mib.values())


def test_what_cannot_be_worked_off_is_given_up(place: Stand, team: Team) -> None:
    """With the worker stopped, a run ends once more waits than was allowed; that is no valid run."""
    load = Load(rate=50.0, seconds=20.0, warm_up=1.0, seed=4, give_up_after=1.0)
    (pid,) = team.pids
    timer = threading.Timer(3.0, os.kill, (pid, signal.SIGCONT))

    def begun(_run: Begun) -> None:
        os.kill(pid, signal.SIGSTOP)
        timer.start()

    found = measure(place, team, load, begun=begun)
    timer.join()
    assert found.ended_early
    assert not found.valid
    assert "given up" in found.why
    assert found.sent < 50 * 20 / 2
    assert found.lost == 0


def test_the_command_on_running_ones(place: Stand, team: Team, tmp_path: Path) -> None:
    """`pangaea bench latency` measures a worker that runs already, and writes the names of the issue.

    Costs of processes that are not its own are absent, and nothing of earlier runs is counted.
    """
    team.check()
    figures = tmp_path / "latency.json"
    command = [sys.executable, "-m", "pangaea", "bench", "latency", "--rate", "20", "--seconds", "2"]
    where = ["--kafka", place.kafka, "--triton", place.triton, "--no-worker"]
    done = subprocess.run(
        [*command, *where, "--warm-up", "0.5", "--json", str(figures)],
        check=False,
        capture_output=True,
        text=True,
    )
    document = orjson.loads(figures.read_bytes())
    assert done.returncode == (0 if document["valid"] else 1), done.stderr
    assert document["valid"] or "fell behind" in document["why"]
    assert set(document) >= ISSUES_NAMES
    due = arrivals.intended(20, 2.5, seed=0)
    assert document["sent"] == document["received"] == (due >= 0.5).sum()
    assert set(document["cpu_ms_per_photo"]) == {"generator", "reader"}
    assert document["machine"]["precision"] == place.machine.precision != "unknown"
    assert "latency p50" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "where", [["--kafka", "127.0.0.1:1"], ["--no-worker"], ["--mix", "8k", "--warm-up", "0"]]
)
def test_bad_usage(where: list[str]) -> None:
    """What cannot be meant is refused before anything is started: exit code 2, one sentence."""
    command = [sys.executable, "-m", "pangaea", "bench", "latency", *where]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("pangaea: ")


def test_a_subject_that_ends_is_told(place: Stand) -> None:
    """A subject that cannot start is not waited for: its last words are in the sentence."""
    failing = Subject(
        name="failing",
        outputs=("continent.asia",),
        command=lambda _seat: [sys.executable, "-c", "raise SystemExit('it has no engine')"],
        environment=lambda _seat: {},
    )
    with (
        pytest.raises(Refuse, match=r"failing 0 ended by itself.*it has no engine"),
        started(failing, place, 1),
    ):
        pass
