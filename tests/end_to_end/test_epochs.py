"""The broker fences members, not partitions; the worker's assignment epochs do what the broker does not."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from local.stack import Stack
from tests.end_to_end import faulty, late
from tests.end_to_end.harness import Reader, Worker, send_all, wait_until
from tests.end_to_end.records import check_order
from tests.worker.edges.members import Member, Publishing, committed, fill, fresh, gather, make_topic
from worker.settings import KafkaSettings

PARTITIONS = 6
EACH = 8

Broken = tuple[Stack, dict[str, str]]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_the_broker_takes_a_member_s_commit_for_somebody_else_s_partition(
    broken: Broken, protocol: str
) -> None:
    """By hand: one of two members sends the offset of the other's partition, with proofs in order."""
    bootstrap = broken[0].kafka
    topic = make_topic(bootstrap, partitions=2)
    fill(bootstrap, topic, partitions=2, count=10)
    settings = KafkaSettings.model_validate(
        {"bootstrap": bootstrap, "photos_topic": topic, "group": fresh("g"), "protocol": protocol}
    )
    with ExitStack() as stack:
        first, second = Member(settings, "first"), Member(settings, "second")
        for member in (first, second):
            stack.callback(member.source.close)
        gather([first, second], 2)
        publishing = Publishing(settings, fresh("id"))
        stack.callback(publishing.publisher.close)
        (foreign,) = second.held
        verdict = publishing.start().publish([], {foreign: 7}, first.metadata())
        assert verdict.kind == "committed"
        assert committed(bootstrap, settings.group, foreign) == 7
        assert foreign not in first.held
        assert foreign in second.held


class Offsets:
    """What a group has committed of `photos`, asked again and again by somebody who is no member."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self.seen: dict[int, list[int]] = defaultdict(list)
        self._asking = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
        self._places = [TopicPartition("photos", number) for number in range(PARTITIONS)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._ask()

    def _ask(self) -> None:
        for each in self._asking.committed(self._places, timeout=30):
            self.seen[each.partition].append(each.offset)

    def close(self) -> dict[int, list[int]]:
        """Ask once more, and return all that was seen of each partition; again, and it only returns it."""
        if self._over.is_set():
            return self.seen
        self._over.set()
        self._thread.join()
        self._ask()
        self._asking.close()
        return self.seen


def answered(notes: Path) -> dict[tuple[str, int, int], bool]:
    """Which photos the first worker has an answer for, and whether it was still wanted."""
    lines = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    return {(topic, int(number), int(offset)): kept == "1" for topic, number, offset, kept in lines}


def test_a_late_answer_of_a_partition_that_has_moved_goes_nowhere(broken: Broken, tmp_path: Path) -> None:
    """All photos are at work in one worker when another comes and takes half the partitions.

    The first has a drain of no length and cancels nothing, so it is answered for what it has lost, too: of
    that nothing is published, not even aborted, nor is an offset. The photos are the second's, once each.
    """
    stack, base = broken
    settings = {
        **base,
        "PANGAEA_KAFKA__GROUP": "epochs",
        "PANGAEA_KAFKA__START": "latest",
        "PANGAEA_LIFE__DRAIN_MS": "1",
        "PANGAEA_TRITON__PATIENCE_MS": faulty.HELD_MS,
        # Two instances: one is left for the second worker's opening.
        "PANGAEA_TRITON__IN_FLIGHT": "1",
    }
    notes = tmp_path / "answers"
    with ExitStack() as cleaning:
        first = Worker(
            {**settings, late.ANSWERS: str(notes)}, tmp_path / "first.log", module="tests.end_to_end.late"
        )
        cleaning.callback(first.stop)
        first.ready()
        wait_until(lambda: first.metric("pangaea_transactions_total") >= 1, 30, "the committed start")
        reader, raw = Reader(stack.kafka), Reader(stack.kafka, isolation="read_uncommitted")
        cleaning.callback(reader.close)
        cleaning.callback(raw.close)
        offsets = Offsets(stack.kafka, "epochs")
        cleaning.callback(offsets.close)
        photos = [(faulty.photo(faulty.HELD), None)] * EACH
        with faulty.beside(base, faulty.HELD_FILE):
            sent = [
                place
                for number in range(PARTITIONS)
                for place in send_all(stack.kafka, photos, partition=number)
            ]
            wait_until(lambda: first.metric("pangaea_photos_consumed_total") == len(sent), 30, "all at work")

            second = Worker(settings, tmp_path / "second.log")
            cleaning.callback(second.stop)
            # It is given a partition when the first has let go of it, and not before.
            wait_until(
                lambda: second.metric("pangaea_partitions_assigned") == PARTITIONS / 2, 60, "its share"
            )
        wait_until(lambda: len(answered(notes)) == len(sent), 60, "the first to be answered for all of them")
        wait_until(lambda: second.metric("pangaea_photos_published_total"), 60, "the second to begin")
        wait_until(
            lambda: not second.metric("pangaea_in_flight_photos"), 60, "the second to have done its own"
        )
        for each in (reader, raw):
            each.until(len(sent))
        assert Counter(each.source for each in reader.idle()) == Counter(sent)
        check_order(reader.seen)
        late_ones = {source for source, wanted in answered(notes).items() if not wanted}
        assert late_ones
        shown = Counter(each.source for each in raw.idle() if each.source in late_ones)
        assert shown == Counter(late_ones)
        assert second.metric("pangaea_photos_published_total") >= len(late_ones)
        for number, seen in offsets.close().items():
            assert seen == sorted(seen)
            assert seen[-1] == 1 + max(offset for _, home, offset in sent if home == number)
