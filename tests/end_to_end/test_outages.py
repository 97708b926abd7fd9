"""An engine that fails on some photos, and servers that go away: nobody else pays, and nothing is lost."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from local.stack import Stack
from tests.end_to_end import faulty
from tests.end_to_end.conftest import PATIENCE_MS
from tests.end_to_end.harness import Reader, Seen, Worker, send_all, wait_until
from tests.end_to_end.records import check_order, check_valid
from worker.topics import REJECTED, feed


@pytest.fixture
def here(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> Iterator[tuple[Stack, Worker, Reader]]:
    """A worker on that stack that has its partitions, and a reader."""
    stack, settings = broken
    reader = Reader(stack.kafka)
    worker = Worker(settings, tmp_path / "worker.log").ready()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    yield stack, worker, reader
    reader.close()
    assert worker.stop() == 0


def by_offset(seen: list[Seen]) -> list[Seen]:
    """In the order of their sources."""
    return sorted(seen, key=lambda each: each.source)


def test_a_photo_on_which_the_engine_raises(here: tuple[Stack, Worker, Reader]) -> None:
    """It is tried three times and rejected; its neighbours come out right, in order."""
    stack, worker, reader = here
    colours = [faulty.WELL, faulty.RAISES, faulty.WELL, faulty.WELL]
    sent = send_all(stack.kafka, [(faulty.photo(colour), None) for colour in colours], partition=0)
    seen = by_offset(reader.until(len(sent)))
    assert [each.topic for each in seen] == [feed("europe"), REJECTED, feed("europe"), feed("europe")]
    assert seen[1].document["reason"] == "engine_error"
    # Three of its own, and one for each neighbour that was in its first request.
    assert 3 <= worker.metric("pangaea_engine_failures_total") <= 6
    assert worker.ask("/ready")[0] == 200
    check_valid(seen)
    check_order(reader.seen)


def test_photos_that_spoil_their_batches(here: tuple[Stack, Worker, Reader]) -> None:
    """One in ten makes the engine raise for all that it runs together: those alone are rejected, in order."""
    stack, _, reader = here
    colours = [faulty.SPOILS if index % 10 == 3 else faulty.WELL for index in range(200)]
    sent = send_all(stack.kafka, [(faulty.photo(colour), None) for colour in colours])
    reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    rejected = {each.source for each in reader.seen if each.topic == REJECTED}
    assert rejected == {place for place, colour in zip(sent, colours, strict=True) if colour == faulty.SPOILS}
    check_order(reader.seen)


def test_a_photo_that_is_always_too_slow(here: tuple[Stack, Worker, Reader]) -> None:
    """It is rejected; the photos that shared its batches are not, nor does another partition wait for it.

    It holds its partition for its attempts and for as long as the engine needs to come free after each.
    """
    stack, _, reader = here
    started = time.monotonic()
    slow, well = (faulty.photo(faulty.SLOW), None), (faulty.photo(faulty.WELL), None)
    send_all(stack.kafka, [well, slow, well, well], partition=0)
    send_all(stack.kafka, [well] * 4, partition=1)
    seen = by_offset(reader.until(8))
    held = time.monotonic() - started
    assert [each.topic for each in seen] == [feed("europe"), REJECTED, *[feed("europe")] * 6]
    assert seen[1].document["reason"] == "engine_error"
    assert held < 3 * (PATIENCE_MS / 1000 + faulty.SLOW_SECONDS) + 3
    check_order(reader.seen)


def test_an_engine_that_fails_on_everything(
    here: tuple[Stack, Worker, Reader], broken: tuple[Stack, dict[str, str]]
) -> None:
    """It fails on a known photo too, so none is blamed or rejected; when it is well all come out."""
    stack, worker, reader = here
    with faulty.beside(broken[1], faulty.ILL_FILE):
        sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 10)
        failures = worker.metric("pangaea_engine_failures_total")
        wait_until(
            lambda: worker.metric("pangaea_engine_failures_total") > failures + 40, 30, "many failures"
        )
        wait_until(lambda: worker.ask("/ready")[0] == 503, 10, "the worker to see it")
        assert worker.ask("/live")[0] == 200
        assert reader.idle(0.5) == []
    seen = reader.until(len(sent), 30)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert {each.topic for each in seen} == {feed("europe")}
    worker.ready(10)


def test_a_second_signal_ends_it_at_once(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """A stop that waits for photos in flight is cut short by another signal; its successor does them."""
    stack, settings = broken
    reader = Reader(stack.kafka)
    worker = Worker({**settings, "PANGAEA_LIFE__DRAIN_MS": "600000"}, tmp_path / "first.log").ready()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    with faulty.beside(settings, faulty.ILL_FILE), ExitStack() as cleaning:
        cleaning.callback(worker.stop, signal.SIGKILL)
        sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 5)
        wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 5, 20, "photos in flight")
        worker.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"draining"' in worker.said(), 20, "the drain")
        assert worker.process.poll() is None
        assert worker.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    assert '"drained"' not in worker.said()
    successor = Worker(settings, tmp_path / "second.log").ready()
    reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert successor.stop() == 0
    reader.close()


def test_a_stop_while_triton_is_away(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """It ends within its drain's budget with exit code 0; what it could not finish is its successor's."""
    stack, settings = broken
    assert stack.server is not None
    reader = Reader(stack.kafka)
    worker = Worker({**settings, "PANGAEA_LIFE__DRAIN_MS": "1000"}, tmp_path / "first.log").ready()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    stack.server.kill()
    sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 5)
    wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 5, 20, "photos in flight")
    assert worker.stop(seconds=15) == 0
    stack.server.restart()
    successor = Worker(settings, tmp_path / "second.log").ready()
    assert Counter(each.source for each in reader.until(5)) == Counter(sent)
    assert successor.stop() == 0
    reader.close()


def test_a_stop_while_kafka_is_away(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """It ends in bounded time; nothing was committed that was not published."""
    stack, settings = broken
    reader = Reader(stack.kafka)
    worker = Worker({**settings, "PANGAEA_LIFE__DRAIN_MS": "1000"}, tmp_path / "first.log").ready()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 200)
    wait_until(lambda: worker.metric("pangaea_photos_published_total") > 5, 30, "a beginning")
    stack.broker.kill()
    assert worker.stop(seconds=30) == 0
    stack.broker.restart()
    successor = Worker(settings, tmp_path / "second.log").ready()
    assert Counter(each.source for each in reader.until(len(sent), 90)) == Counter(sent)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert successor.stop() == 0
    reader.close()


def test_photos_that_retention_ate(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """Unread photos are gone: the worker stops with their count; told to, it goes on and counts them."""
    stack, settings = broken
    admin = AdminClient({"bootstrap.servers": stack.kafka})
    # Only who has committed can have missed something: the group does, whichever tests ran before.
    before = Worker(settings, tmp_path / "before.log").ready()
    wait_until(lambda: before.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    assert before.stop() == 0
    place = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 7, partition=5)[-1]
    keep = TopicPartition("photos", 5, place[2])
    admin.delete_records([keep])[keep].result(60)
    worker = Worker(settings, tmp_path / "first.log")
    assert worker.ended() == 1
    last = worker.said().strip().splitlines()[-1]
    assert "retention has eaten up to 6 unread photos of photos/5" in last
    assert "--accept-loss" in last
    reader = Reader(stack.kafka)
    told = Worker(settings, tmp_path / "second.log", ["--accept-loss"]).ready()
    (seen,) = reader.until(1)
    assert seen.source == place
    assert told.metric("pangaea_photos_lost_to_retention_total") == 6
    assert told.stop() == 0
    reader.close()


def test_photos_that_retention_eats_under_a_reader(
    broken: tuple[Stack, dict[str, str]], tmp_path: Path
) -> None:
    """Retention overtakes a running worker: it stops with the count too, and skips nothing in silence."""
    stack, settings = broken
    assert stack.server is not None
    worker = Worker(settings, tmp_path / "first.log").ready()
    wait_until(lambda: worker.metric("pangaea_partitions_assigned") == 6, 30, "the assignment")
    stack.server.kill()
    photo = faulty.photo(faulty.WELL)
    # More than is fetched ahead: what lies in the client's memory has been read, and is not lost.
    places = send_all(stack.kafka, [(photo + bytes(200_000), None)] * 300, partition=4)
    wait_until(lambda: worker.metric("pangaea_fetching_paused") == 1, 20, "a worker that is held up")
    keep = TopicPartition("photos", 4, places[-1][2])
    admin = AdminClient({"bootstrap.servers": stack.kafka})
    admin.delete_records([keep])[keep].result(20)
    stack.server.restart()
    assert worker.ended() == 1
    assert "retention has eaten" in worker.said().strip().splitlines()[-1]
    reader = Reader(stack.kafka)
    told = Worker(settings, tmp_path / "second.log", ["--accept-loss"]).ready()
    assert reader.until(1)[-1].source == places[-1]
    assert told.stop() == 0
    reader.close()


def test_shedding(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """`late=shed`: what cannot be answered in time is rejected as `deadline`, not answered late."""
    stack, settings = broken
    reader = Reader(stack.kafka)
    worker = Worker({**settings, "PANGAEA_DEADLINE__LATE": "shed"}, tmp_path / "worker.log").ready()
    old = int(time.time() * 1000) - 10_000
    send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)], timestamp=old)
    send_all(stack.kafka, [(faulty.photo(faulty.SLOW), None)])
    reasons = [each.document["reason"] for each in reader.until(2) if each.topic == REJECTED]
    assert reasons == ["deadline", "deadline"]
    assert worker.stop() == 0
    reader.close()
