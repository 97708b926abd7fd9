"""Log lines on a real pipe that is full or gone: nobody waits for it, and nothing is dropped in silence."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.end_to_end.harness import wait_until
from worker.edges.log_queue import LogQueue
from worker.edges.metrics import Metrics

LIMIT = 16
PAGE = 4_096


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that holds one page: what is read from, what is written to."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PAGE)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def value(metrics: Metrics, name: str) -> float:
    """A metric's value as it is exposed."""
    found = metrics.registry.get_sample_value(f"pangaea_{name}")
    assert found is not None
    return found


def test_a_full_queue_drops_and_counts(pipe: tuple[int, int]) -> None:
    """Nobody reads: lines are kept to the limit and dropped beyond; when it flows again that is said."""
    reading, writing = pipe
    metrics = Metrics()
    lines = LogQueue(writing, LIMIT, metrics)
    # The first fills the pipe and blocks the writer in the middle.
    lines.put(b"x" * 2 * PAGE)
    wait_until(lambda: value(metrics, "log_queue_lines") == 0, 10, "the writer to take it")
    for number in range(LIMIT + 5):
        lines.put(b"%d" % number)
    assert value(metrics, "log_queue_lines") == LIMIT == value(metrics, "log_queue_lines_limit")
    assert value(metrics, "log_lines_dropped_total") == 5
    assert not lines.flush(0.05)
    with os.fdopen(os.dup(reading), "rb") as reader:
        assert len(reader.readline()) == 2 * PAGE + 1
        assert [reader.readline() for _ in range(LIMIT)] == [b"%d\n" % number for number in range(LIMIT)]
        told = json.loads(reader.readline())
    assert (told["event"], told["count"]) == ("log_lines_dropped", 5)
    assert lines.flush()


def test_a_reader_that_is_gone(pipe: tuple[int, int]) -> None:
    """A broken pipe costs the lines, which are counted, and nothing else; another reader finds the next."""
    reading, writing = pipe
    metrics = Metrics()
    lines = LogQueue(writing, LIMIT, metrics)
    new_reading, new_writing = os.pipe()
    spare = os.dup(reading)
    os.dup2(new_reading, reading)
    os.close(spare)
    lines.put(b"unheard")
    wait_until(lambda: value(metrics, "log_lines_dropped_total") == 1, 10, "the line to be counted")
    os.dup2(new_writing, writing)
    lines.put(b"heard")
    with os.fdopen(os.dup(reading), "rb") as reader:
        assert reader.readline() == b"heard\n"
        assert json.loads(reader.readline())["count"] == 1
    os.close(new_reading)
    os.close(new_writing)


def test_after_a_close_that_nobody_reads_no_word_blocks(pipe: tuple[int, int]) -> None:
    """The close ends in its time, and what is written to the descriptor afterwards goes nowhere at once."""
    _, writing = pipe
    lines = LogQueue(writing, LIMIT, Metrics())
    lines.put(b"x" * 2 * PAGE)
    lines.close()
    assert os.write(writing, b"y" * 2 * PAGE) == 2 * PAGE


SAYS = (
    "import warnings\n"
    "from worker.edges import logs\n"
    "from worker.edges.metrics import Metrics\n"
    "from worker.settings import LogSettings\n"
    "log = logs.configure(LogSettings(), Metrics())\n"
    "log.logger.debug('unsaid')\n"
    "log.logger.info('said', count=1)\n"
    "warnings.warn('of a library', stacklevel=1)\n"
    "log.queue.close()\n"
)


def test_lines_come_out_whole_and_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    """A line of ours and a warning of Python's are JSON, and written before the close returns."""
    subprocess.run([sys.executable, "-c", SAYS], check=True)
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [each["event"] for each in told] == ["said", "library"]
    assert (told[0]["count"], told[0]["level"]) == (1, "info")


def test_a_process_without_standard_error() -> None:
    """Started with it closed, the lines go nowhere: not into whatever has its number by then."""
    subprocess.run(["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, SAYS], check=True)


@pytest.mark.parametrize("heard", [True, False])
def test_a_process_that_ends_at_once(pipe: tuple[int, int], heard: bool) -> None:
    """The guard's and the timer's way out: its reason is written where it can be, and it ends in any case."""
    reading, writing = pipe
    if not heard:
        os.write(writing, b"x" * PAGE)
    code = SAYS.replace("log.queue.close()", "from worker import run; run._leave(log, 'no_progress', 30.0)")
    assert subprocess.run([sys.executable, "-c", code], check=False, stderr=writing).returncode == 1
    with os.fdopen(os.dup(reading), "rb") as reader:
        assert (b'"no_progress"' in reader.read1(PAGE)) is heard
