"""Every bound of a running worker, filled: its gauge reaches the limit and stays there; nothing is lost."""

from __future__ import annotations

import fcntl
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from local.stack import Stack
from tests.end_to_end import faulty
from tests.end_to_end.harness import Reader, Worker, free_port, send_all, wait_until
from tests.end_to_end.records import check_order

PAGE = 4_096

Broken = tuple[Stack, dict[str, str]]
Begin = Callable[..., Worker]


@pytest.fixture
def reader(broken: Broken) -> Iterator[Reader]:
    """Sees every output record from here on."""
    reading = Reader(broken[0].kafka)
    yield reading
    reading.close()


@pytest.fixture
def begin(broken: Broken, tmp_path: Path) -> Iterator[Begin]:
    """Start a worker on that stack with settings of its own; one that the test leaves is killed."""
    started: list[Worker] = []

    def beginning(log: Path = tmp_path / "worker.log", **settings: str) -> Worker:
        worker = Worker({**broken[1], **settings}, log)
        started.append(worker)
        wait_until(lambda: worker.ask("/ready")[0] == 200, 60, "a ready worker")
        wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
        return worker

    yield beginning
    for worker in started:
        worker.stop(signal.SIGKILL)


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A named pipe of one page that somebody holds open and does not read; and his end of it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PAGE)
    yield path, end
    os.close(end)


def full(end: int) -> None:
    """Fill the pipe, so that the next word blocks."""
    try:
        while True:
            os.write(end, b"x" * 512)
    except BlockingIOError:
        return


def test_a_log_that_nobody_reads(
    broken: Broken, begin: Begin, reader: Reader, deaf: tuple[Path, int]
) -> None:
    """Standard error is full and the log queue too: every photo comes out, and the stop ends in its time."""
    worker = begin(deaf[0], PANGAEA_LOG__LEVEL="debug", PANGAEA_LOG__QUEUE_LINES="16")
    full(deaf[1])
    # The engine's failures are what the log speaks of at this level.
    sent = send_all(broken[0].kafka, [(faulty.photo(faulty.RAISES), None)] * 40, partition=0)
    reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert worker.metric("pangaea_log_lines_dropped_total") > 0
    assert worker.metric("pangaea_log_queue_lines") == worker.metric("pangaea_log_queue_lines_limit") == 16
    assert worker.stop() == 0


def test_a_log_whose_reader_is_gone(broken: Broken, begin: Begin, reader: Reader, tmp_path: Path) -> None:
    """A broken pipe does not end the worker either."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    worker = begin(path, PANGAEA_LOG__LEVEL="debug")
    os.close(end)
    sent = send_all(broken[0].kafka, [(faulty.photo(faulty.RAISES), None)] * 5)
    reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert worker.metric("pangaea_log_lines_dropped_total") > 0
    assert worker.stop() == 0
    check_order(reader.seen)


def test_a_refusal_that_nobody_reads(deaf: tuple[Path, int]) -> None:
    """The last sentence has nowhere to go: the worker ends with its exit code all the same."""
    full(deaf[1])
    worker = Worker(
        {
            "PANGAEA_KAFKA__BOOTSTRAP": f"127.0.0.1:{free_port()}",
            "PANGAEA_LIFE__START_PATIENCE_MS": "500",
        },
        deaf[0],
    )
    try:
        assert worker.ended(30) == 1
    finally:
        worker.stop(signal.SIGKILL)


def balance(worker: Worker) -> float:
    """What was taken, less what has come of it and what is in flight: nothing is unaccounted for."""
    ends = ("photos_published_total", "photos_rejected_total", "photos_dropped_total", "in_flight_photos")
    return worker.metric("pangaea_photos_consumed_total") - sum(
        worker.metric(f"pangaea_{name}") for name in ends
    )


def test_every_photo_is_accounted_for(broken: Broken, begin: Begin, reader: Reader) -> None:
    """Consumed = published + rejected + dropped + in flight, after revokes and losses with photos at work."""
    stack, settings = broken
    worker = begin(PANGAEA_LIFE__DRAIN_MS="200")
    ill = Path(settings["PANGAEA_CARD"]).parent / "ill"
    ill.touch()
    colours = [faulty.WELL, faulty.WELL, faulty.RAISES]
    sent = send_all(stack.kafka, [(faulty.photo(colour), None) for colour in colours * 60])
    wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 64, 30, "a full worker")
    other = Consumer(
        {
            "bootstrap.servers": stack.kafka,
            "group.id": "pangaea",
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.commit": False,
        }
    )
    other.subscribe(["photos"])
    revoked = 'pangaea_photos_dropped_total{reason="revoked"}'

    def shared() -> bool:
        other.poll(0.1)
        return bool(other.assignment()) and revoked in worker.ask("/metrics")[1]

    wait_until(shared, 30, "photos in flight to be revoked")
    wait_until(lambda: balance(worker) == 0, 20, "an even account")
    other.close()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "all partitions again")
    ill.unlink()
    wait_until(lambda: worker.metric("pangaea_photos_published_total") > 5, 30, "a good beginning")
    worker.process.send_signal(signal.SIGSTOP)
    group = AdminClient({"bootstrap.servers": stack.kafka})
    wait_until(
        lambda: not group.describe_consumer_groups(["pangaea"])["pangaea"].result(10).members,
        30,
        "the group to miss it",
    )
    worker.process.send_signal(signal.SIGCONT)
    reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    wait_until(
        lambda: worker.metric("pangaea_in_flight_photos") == balance(worker) == 0, 20, "the account"
    )
    assert worker.metric("pangaea_photos_published_total") == 120
    assert worker.metric("pangaea_photos_rejected_total") == 60
    assert worker.stop() == 0
