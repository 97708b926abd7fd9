"""An engine that fails on some photos, and servers that go away: nobody else pays, and nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Options, Stack
from tests.end_to_end import faulty
from tests.end_to_end.harness import Reader, Seen, Worker, send_all, wait_until
from tests.end_to_end.records import check_order, check_valid
from worker.topics import REJECTED, feed

PATIENCE_MS = 500


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, dict[str, str]]]:
    """A stack of its own with the engine that fails on purpose, and a worker's settings for it."""
    models, card = faulty.repository(tmp_path_factory.mktemp("faulty"))
    with Stack.start(Options(models=models)) as stack:
        yield (
            stack,
            {
                "PANGAEA_KAFKA__BOOTSTRAP": stack.kafka,
                "PANGAEA_TRITON__URL": stack.triton,
                "PANGAEA_TRITON__PATIENCE_MS": str(PATIENCE_MS),
                "PANGAEA_CARD": str(card),
            },
        )


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
    assert worker.metric("pangaea_engine_failures_total") == 3
    check_valid(seen)
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


def test_triton_killed_and_restarted(here: tuple[Stack, Worker, Reader]) -> None:
    """While it is gone: alive, not ready, nothing rejected. When it is back: everything comes out."""
    stack, worker, reader = here
    assert stack.server is not None
    stack.server.kill()
    wait_until(lambda: worker.ask("/ready")[0] == 503, 20, "the worker to see it")
    sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 100)
    assert reader.idle(2.0) == []
    assert worker.ask("/live")[0] == 200
    stack.server.restart()
    seen = reader.until(len(sent), 60)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert {each.topic for each in seen} == {feed("europe")}
    check_order(seen)
    assert worker.ready(10)


def test_kafka_killed_and_restarted(here: tuple[Stack, Worker, Reader]) -> None:
    """The broker dies with photos in flight and comes back on its data: each photo has one record."""
    stack, worker, reader = here
    sent = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)] * 300)
    wait_until(lambda: worker.metric("pangaea_photos_published_total") > 10, 30, "a good beginning")
    stack.broker.kill()
    wait_until(lambda: worker.ask("/ready")[0] == 503, 30, "the worker to see it")
    assert worker.ask("/live")[0] == 200
    stack.broker.restart()
    seen = reader.until(len(sent), 90)
    assert Counter(each.source for each in reader.idle(1.0)) == Counter(sent)
    check_order(seen)
    wait_until(lambda: worker.ask("/ready")[0] == 200, 30, "the worker to be ready again")


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
