"""How transactions end on a real broker: committed, aborted and tried again, fatal, or never to be taken."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from local.kafka import Kafka
from tests.end_to_end.harness import wait_until
from tests.worker.edges.members import (
    PATIENCE,
    Member,
    Publishing,
    committed,
    fill,
    fresh,
    gather,
    make_topic,
    record,
    values,
)
from worker.edges.kafka_errors import ClientDead
from worker.edges.producer import REGISTER_SECONDS
from worker.errors import Refuse
from worker.record import Partition
from worker.settings import KafkaSettings

TIMEOUT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Bench:
    """A broker, an input topic of two partitions that hold ten records each, and a group of its own."""

    kafka: Kafka
    settings: KafkaSettings
    stack: ExitStack

    @property
    def home(self) -> Partition:
        """The first input partition."""
        return Partition(self.settings.photos_topic, 0)

    def member(self, **changes: object) -> Member:
        """One more member of the group, not joined yet."""
        member = Member(self.settings.model_copy(update=changes), fresh("member"))
        self.stack.callback(member.source.close)
        return member

    def publishing(self, name: str | None = None, **changes: object) -> Publishing:
        """A producer that has not registered yet."""
        made = Publishing(self.settings.model_copy(update=changes), name or fresh("id"))
        self.stack.callback(made.publisher.close)
        return made

    def topic(self, config: dict[str, str] | None = None) -> str:
        """An output topic."""
        return make_topic(self.kafka.bootstrap, config=config)

    def values(self, topic: str) -> list[bytes]:
        """What a committed reader sees."""
        return values(self.kafka.bootstrap, topic)

    def committed(self) -> int:
        """What the group has committed of the first input partition."""
        return committed(self.kafka.bootstrap, self.settings.group, self.home)


@pytest.fixture
def bench(kafka: Kafka) -> Iterator[Bench]:
    """A bench whose clients are closed at the end."""
    topic = make_topic(kafka.bootstrap, partitions=2)
    fill(kafka.bootstrap, topic, partitions=2, count=10)
    settings = KafkaSettings(bootstrap=kafka.bootstrap, photos_topic=topic, group=fresh("g"))
    with ExitStack() as stack:
        yield Bench(kafka, settings, stack)


def joined_by_another(bench: Bench, member: Member) -> Member:
    """A second member joins: the generation moves on. Return who can prove membership afterwards."""
    gather([member, bench.member()], 2)
    return member


def left(bench: Bench, member: Member) -> Member:
    """The member leaves the group, and another takes its place."""
    member.source.close()
    successor = bench.member()
    gather([successor], 2)
    return successor


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize("change", [joined_by_another, left])
def test_a_stale_member_is_refused_and_its_producer_lives_on(
    bench: Bench, change: Callable[[Bench, Member], Member], protocol: str
) -> None:
    """A member of an earlier generation, or of none: aborted, nothing moved; the next one is committed."""
    bench = Bench(bench.kafka, bench.settings.model_copy(update={"protocol": protocol}), bench.stack)
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic()
    gather([member], 2)
    stale = member.metadata()
    present = change(bench, member)
    verdict = publishing.publish([record(out, b"stale")], {bench.home: 7}, stale)
    assert (verdict.kind, bool(verdict.why)) == ("aborted", True)
    assert bench.committed() < 0
    verdict = publishing.publish([record(out, b"present")], {bench.home: 3}, present.metadata())
    assert (verdict.kind, verdict.why) == ("committed", "")
    assert bench.committed() == 3
    assert bench.values(out) == [b"present"]


def test_a_newer_producer_of_the_name_is_fatal(bench: Bench) -> None:
    """The older one is fenced: its transaction is not seen, and only a new producer can go on."""
    member, out, name = bench.member(), bench.topic(), fresh("id")
    gather([member], 2)
    older = bench.publishing(name).start()
    newer = bench.publishing(name).start()
    assert older.publish([record(out, b"older")], {bench.home: 7}, member.metadata()).kind == "fatal"
    assert newer.publish([record(out, b"newer")], {bench.home: 1}, member.metadata()).kind == "committed"
    assert bench.values(out) == [b"newer"]
    assert bench.committed() == 1
    with pytest.raises(ClientDead):
        older.publisher.publish([record(out, b"again")], {bench.home: 7}, member.metadata())


def test_a_transaction_that_outlives_its_timeout_is_fatal(bench: Bench) -> None:
    """The broker aborts it and raises the producer's epoch: what comes late is fenced, and not seen."""
    member, out = bench.member(), bench.topic()
    gather([member], 2)
    name = fresh("id")
    late = bench.publishing(name, transaction_timeout_ms=TIMEOUT_MS).start()
    late.publisher._producer.begin_transaction()
    late.publisher._producer.produce(out, b"late", partition=0)
    assert late.publisher._producer.flush(PATIENCE) == 0
    wait_until(lambda: stable_end(bench, out) == 2, PATIENCE, "the broker to abort it")
    place = TopicPartition(bench.home.topic, bench.home.number, 7)
    verdict = late.publisher._settle([place], member.metadata())
    assert verdict.kind == "fatal"
    assert bench.committed() < 0
    again = bench.publishing(name).start()
    assert again.publish([record(out, b"again")], {bench.home: 1}, member.metadata()).kind == "committed"
    assert bench.values(out) == [b"again"]


def stable_end(bench: Bench, topic: str) -> int:
    """The offset behind the last transaction that has ended."""
    place = TopicPartition(topic, 0)
    admin = AdminClient({"bootstrap.servers": bench.kafka.bootstrap})
    answer = admin.list_offsets(
        {place: OffsetSpec.latest()},  # type: ignore[no-untyped-call] # its only fault is no `-> OffsetSpec`
        isolation_level=IsolationLevel.READ_COMMITTED,
    )
    return int(answer[place].result(PATIENCE).offset)


def test_a_coordinator_that_is_away_is_waited_for(bench: Bench) -> None:
    """No answer at all for a second is no error: the call waits, and the transaction is committed once."""
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic()
    gather([member], 2)
    metadata, publisher = member.metadata(), publishing.publisher
    os.kill(bench.kafka.pid, signal.SIGSTOP)
    try:
        publisher.publish([record(out, b"once")], {bench.home: 4}, metadata)
        since = publisher.busy_since
        assert since is not None
        wait_until(lambda: time.monotonic() - since > TIMEOUT_MS / 1000, PATIENCE, "a second to pass")
        assert publisher.busy_since == since
    finally:
        os.kill(bench.kafka.pid, signal.SIGCONT)
    assert publishing.verdicts.get(timeout=PATIENCE).kind == "committed"
    assert bench.values(out) == [b"once"]
    assert bench.committed() == 4


def test_a_name_is_registered_once_the_coordinator_is_back(bench: Bench) -> None:
    """Opening waits as long as nobody answers, says nothing meanwhile, and works in the end."""
    publishing = bench.publishing()
    os.kill(bench.kafka.pid, signal.SIGSTOP)
    try:
        publishing.publisher.open()
        with pytest.raises(queue.Empty):
            publishing.verdicts.get(timeout=REGISTER_SECONDS + 0.5)
    finally:
        os.kill(bench.kafka.pid, signal.SIGCONT)
    assert publishing.verdicts.get(timeout=PATIENCE).kind == "registered"


@pytest.mark.parametrize("config", [{"max.message.bytes": "500"}, {"cleanup.policy": "compact"}])
def test_a_record_that_the_topic_never_takes_is_refused(bench: Bench, config: dict[str, str]) -> None:
    """Too large, or without the key that compaction needs: refused, with the topic's name; nothing moves.

    Otherwise it would be read, inferred and aborted for ever, and its partition would stand still.
    """
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic(config)
    gather([member], 2)
    # A topic that was just made may have no leader yet: that is aborted and tried again, as the worker does.
    for _ in range(5):
        verdict = publishing.publish([record(out, os.urandom(1_000))], {bench.home: 7}, member.metadata())
        if verdict.kind != "aborted":
            break
    assert (verdict.kind, out in verdict.why) == ("refused", True)
    assert (bench.committed() < 0, bench.values(out)) == (True, [])


def test_a_record_that_the_client_never_takes_is_refused(bench: Bench) -> None:
    """Larger than a message may be at all: refused at once."""
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic()
    gather([member], 2)
    with pytest.raises(Refuse, match="too large"):
        publishing.publish([record(out, bytes(1_100_000))], {bench.home: 7}, member.metadata())


def test_a_record_that_was_not_delivered_aborts_and_says_why(bench: Bench) -> None:
    """A partition that is not there (yet): no offset moves, the reason is named, the next try may work."""
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic()
    gather([member], 2)
    verdict = publishing.publish(
        [record(out, b"here"), record(out, b"nowhere", partition=5)], {bench.home: 7}, member.metadata()
    )
    assert (verdict.kind, verdict.why) == ("aborted", "Local: Unknown partition")
    assert bench.committed() < 0
    assert publishing.publish([record(out, b"again")], {bench.home: 2}, member.metadata()).kind == "committed"
    assert (bench.values(out), bench.committed()) == ([b"again"], 2)


def test_a_full_queue_is_waited_for(bench: Bench) -> None:
    """A transaction of more bytes than the producer's queue holds goes through, in order."""
    member, out = bench.member(), bench.topic()
    publishing = bench.publishing(producer_queue_kib=1_024).start()
    gather([member], 2)
    sent = [bytes([index]) * 200_000 for index in range(20)]
    outputs = [record(out, value) for value in sent]
    assert publishing.publish(outputs, {bench.home: 7}, member.metadata()).kind == "committed"
    assert bench.values(out) == sent


def test_what_confluent_kafka_itself_refuses_is_fatal_and_not_silent(bench: Bench) -> None:
    """A value that it cannot pass on: the committing thread lives to tell of it."""
    publishing, out = bench.publishing().start(), bench.topic()
    verdict = publishing.publish([record(out, b"x")], {bench.home: 7}, "no metadata")
    assert verdict.kind == "fatal"
    assert "Error" in verdict.why


def test_closed_clients_ask_for_new_ones(bench: Bench) -> None:
    """confluent-kafka has an error of its own for them, which is a ClientDead like any other end."""
    member, publishing, out = bench.member(), bench.publishing().start(), bench.topic()
    gather([member], 2)
    member.source.close()
    for call in (member.poll, member.metadata, member.source.pause, member.source.resume):
        with pytest.raises(ClientDead):
            call()
    publishing.publisher.close()
    with pytest.raises(ClientDead):
        publishing.publisher.publish([record(out, b"x")], {bench.home: 7}, None)
