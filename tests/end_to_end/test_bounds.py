"""Every bound of a running worker, filled: its gauge reaches the limit and stays there; nothing is lost."""

from __future__ import annotations

import fcntl
import io
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from PIL import Image

from local.stack import Stack
from tests.end_to_end import faulty
from tests.end_to_end.harness import Peaks, Reader, Worker, event, free_port, send_all, wait_until
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


def in_is_out(reader: Reader, sent: list[tuple[str, int, int]], seconds: float = 60) -> None:
    """Each photo has one record, in order."""
    reader.until(len(sent), seconds)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    check_order(reader.seen)


def test_a_log_that_nobody_reads(
    broken: Broken, begin: Begin, reader: Reader, deaf: tuple[Path, int]
) -> None:
    """Standard error is full and the log queue too: every photo comes out, and the stop ends in its time."""
    worker = begin(deaf[0], PANGAEA_LOG__LEVEL="debug", PANGAEA_LOG__QUEUE_LINES="16")
    full(deaf[1])
    # The engine's failures are what the log speaks of at this level.
    sent = send_all(broken[0].kafka, [(faulty.photo(faulty.RAISES), None)] * 40, partition=0)
    in_is_out(reader, sent)
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
    in_is_out(reader, sent)
    assert worker.metric("pangaea_log_lines_dropped_total") > 0
    assert worker.stop() == 0


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


def exceeded(peaks: Peaks) -> dict[str, float]:
    """What was seen over its limit, and by how much; but for the known photo that is asked for beside others.

    And for the producer's own events, such as a broker that does not answer, which librdkafka counts among
    what it holds until somebody hears them.
    """
    allowed = {"engine_requests": 1, "producer_queue_records": 8}
    return {name: over for name, over in peaks.close().items() if over > allowed.get(name, 0)}


def test_photos_at_work(broken: Broken, begin: Begin, reader: Reader) -> None:
    """A backlog before an engine that answers nobody: in flight by count, suspects and requests."""
    stack, settings = broken
    worker = begin(PANGAEA_LIMIT__IN_FLIGHT="24", PANGAEA_TRITON__IN_FLIGHT="3")
    peaks = Peaks(worker)
    with faulty.beside(settings, faulty.ILL_FILE):
        sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 200)
        wait_until(lambda: worker.metric("pangaea_suspect_photos") == 24, 30, "all of them to be suspects")
    in_is_out(reader, sent)
    assert exceeded(peaks) == {}
    assert peaks.limits["in_flight_photos"] == peaks.highest["in_flight_photos"] == 24
    # That it was full was waited for above: whoever samples beside may have missed the moment.
    assert peaks.limits["suspect_photos"] == 24
    assert peaks.highest["engine_requests"] >= peaks.limits["engine_requests"] == 3
    assert worker.stop() == 0


def test_bytes_at_work_and_ahead(broken: Broken, begin: Begin, reader: Reader) -> None:
    """Large photos: what is at work stops at a photo over its limit, what is fetched ahead a fetch over."""
    stack, settings = broken
    size, ahead = 200_000, 1_048_576
    photo = faulty.photo(faulty.WELL)
    photo += bytes(size - len(photo))
    worker = begin(PANGAEA_LIMIT__IN_FLIGHT_BYTES="1000000", PANGAEA_KAFKA__PREFETCH_KIB="1024")
    peaks = Peaks(worker)
    with faulty.beside(settings, faulty.ILL_FILE):
        sent = send_all(stack.kafka, [(photo, None)] * 300)
        wait_until(lambda: worker.metric("pangaea_in_flight_bytes") >= 1_000_000, 30, "a full worker")
        wait_until(lambda: worker.metric("pangaea_fetching_paused") == 1, 30, "a pause")
    in_is_out(reader, sent)
    over = exceeded(peaks)
    assert peaks.limits["in_flight_bytes"] == peaks.highest["in_flight_bytes"] == 1_000_000
    # A fetch brings up to a mebibyte of each of the six partitions.
    assert over.pop("prefetched_bytes", 0) <= 6 * ahead
    assert peaks.highest["prefetched_bytes"] > 0.5 * ahead
    assert over == {}
    assert worker.stop() == 0


def test_answers_that_wait_for_a_slow_one(broken: Broken, begin: Begin, reader: Reader) -> None:
    """One slow photo at the head of its partition: all others in flight are answered and wait for it."""
    # Patient: the photo is held at the engine for as long as it takes, and asked for once.
    worker = begin(PANGAEA_LIMIT__IN_FLIGHT="16", PANGAEA_TRITON__PATIENCE_MS=faulty.HELD_MS)
    peaks = Peaks(worker)
    with faulty.beside(broken[1], faulty.HELD_FILE):
        # Alone at the engine before the others are sent: nobody shares its request, or its batch.
        sent = send_all(broken[0].kafka, [(faulty.photo(faulty.HELD), None)], partition=0)
        wait_until(lambda: worker.metric("pangaea_engine_requests") == 1, 30, "the slow one")
        sent += send_all(broken[0].kafka, [(faulty.photo(faulty.WELL), None)] * 60, partition=0)
        wait_until(
            lambda: worker.metrics("pangaea_reorder_photos", "pangaea_in_flight_photos") == (15, 16),
            30,
            "fifteen answers that wait for a sixteenth photo",
        )
    in_is_out(reader, sent)
    assert exceeded(peaks) == {}
    # All but the slow one wait for it; that it is then itself among them lasts but a moment.
    assert peaks.limits["reorder_photos"] == 16
    assert peaks.highest["reorder_photos"] >= 15
    assert worker.stop() == 0


def test_photos_to_decode(broken: Broken, begin: Begin, reader: Reader) -> None:
    """Photos that take long to decode: as many at once as there are threads, the others wait in bounds."""
    worker = begin(PANGAEA_LIMIT__IN_FLIGHT="16")
    peaks = Peaks(worker)
    buffer = io.BytesIO()
    Image.new("RGB", (2_000, 2_000), faulty.WELL).save(buffer, "PNG")
    in_is_out(reader, send_all(broken[0].kafka, [(buffer.getvalue(), None)] * 60))
    assert exceeded(peaks) == {}
    assert peaks.highest["decoding_photos"] == peaks.limits["decoding_photos"] == 2
    assert 2 < peaks.highest["decode_queue_photos"] <= peaks.limits["decode_queue_photos"] == 16
    assert worker.stop() == 0


def test_photos_being_fetched(broken: Broken, begin: Begin, reader: Reader) -> None:
    """A store that takes calls and never answers: sixteen wait for it at once, and each photo has its end."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        worker = begin(
            PANGAEA_LIMIT__IN_FLIGHT_BYTES="1000000000",
            PANGAEA_PAYLOAD__ALLOW='["s3://bucket/"]',
            PANGAEA_PAYLOAD__S3_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            PANGAEA_PAYLOAD__S3_ACCESS_KEY_ID="key",
            PANGAEA_PAYLOAD__S3_SECRET_ACCESS_KEY="secret",  # noqa: S106 - nobody's
            PANGAEA_PAYLOAD__TIMEOUT_MS="300",
        )
        peaks = Peaks(worker)
        headers = [event(f"far-{number}", ce_dataref="s3://bucket/far.jpg") for number in range(50)]
        in_is_out(reader, send_all(broken[0].kafka, [(b"", each) for each in headers]))
    assert {each.document["reason"] for each in reader.seen} == {"payload_unavailable"}
    assert exceeded(peaks) == {}
    assert peaks.highest["fetching_photos"] == peaks.limits["fetching_photos"] == 16
    assert worker.stop() == 0


def test_results_that_the_broker_does_not_take(broken: Broken, begin: Begin, reader: Reader) -> None:
    """The broker is stopped with results at hand: the producer holds those of one transaction, no more."""
    stack, _ = broken
    # So rarely that all that is in flight is answered before the next transaction opens.
    worker = begin(PANGAEA_KAFKA__COMMIT_INTERVAL_MS="3000", PANGAEA_LIMIT__IN_FLIGHT="24")
    peaks = Peaks(worker)
    sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 100)
    wait_until(lambda: worker.metric("pangaea_reorder_photos") == 24, 30, "answers that wait")
    os.kill(stack.broker.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: worker.metric("pangaea_producer_queue_records") == 24, 30, "a full producer")
    finally:
        os.kill(stack.broker.pid, signal.SIGCONT)
    in_is_out(reader, sent, 90)
    assert exceeded(peaks) == {}
    assert peaks.limits["producer_queue_records"] == 24 <= peaks.highest["producer_queue_records"]
    assert worker.stop() == 0


def balance(worker: Worker) -> float:
    """What was taken, less what has come of it and what is in flight: nothing is unaccounted for."""
    ends = ("photos_published_total", "photos_rejected_total", "photos_dropped_total", "in_flight_photos")
    return worker.metric("pangaea_photos_consumed_total") - sum(
        worker.metric(f"pangaea_{name}") for name in ends
    )


@contextmanager
def another_member(stack: Stack) -> Iterator[Consumer]:
    """Somebody else of the worker's group, who takes a share of the partitions and reads nothing for good."""
    other = Consumer(
        {
            "bootstrap.servers": stack.kafka,
            "group.id": "pangaea",
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.commit": False,
        }
    )
    other.subscribe(["photos"])
    try:
        yield other
    finally:
        other.close()


def test_every_photo_is_accounted_for(broken: Broken, begin: Begin, reader: Reader) -> None:
    """Consumed = published + rejected + dropped + in flight, after revokes and losses with photos at work."""
    stack, settings = broken
    worker = begin(PANGAEA_LIFE__DRAIN_MS="200")
    colours = [faulty.WELL, faulty.WELL, faulty.RAISES]
    with faulty.beside(settings, faulty.ILL_FILE):
        sent = send_all(stack.kafka, [(faulty.photo(colour), None) for colour in colours * 60])
        wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 64, 30, "a full worker")
        with another_member(stack) as other:

            def shared() -> bool:
                other.poll(0.1)
                revoked = 'pangaea_photos_dropped_total{reason="revoked"}' in worker.ask("/metrics")[1]
                return revoked and bool(other.assignment())

            wait_until(shared, 30, "photos in flight to be revoked")
            wait_until(lambda: balance(worker) == 0, 20, "an even account")
        wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "all partitions again")
    wait_until(lambda: worker.metric("pangaea_photos_published_total") > 5, 30, "a good beginning")
    worker.process.send_signal(signal.SIGSTOP)
    group = AdminClient({"bootstrap.servers": stack.kafka})

    def missed() -> bool:
        return not group.describe_consumer_groups(["pangaea"])["pangaea"].result(60).members

    wait_until(missed, 30, "the group to miss it")
    worker.process.send_signal(signal.SIGCONT)
    in_is_out(reader, sent)
    wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 0, 20, "an idle worker")
    assert balance(worker) == 0
    assert worker.metric("pangaea_photos_published_total") == 120
    assert worker.metric("pangaea_photos_rejected_total") == 60
    assert worker.stop() == 0
