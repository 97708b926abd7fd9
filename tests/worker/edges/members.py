"""A group's member and its producer, as the worker has them, in the test's own process, on a real broker."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.end_to_end.harness import wait_until
from worker.edges.consumer import EndOfPartition, PhotoSource, Record
from worker.edges.producer import Output, TransactionalPublisher, Verdict
from worker.edges.starts import Start
from worker.record import Partition
from worker.settings import KafkaSettings

PATIENCE = 30.0


def fresh(kind: str) -> str:
    """A name that no other test has."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def make_topic(bootstrap: str, *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
    """A topic under a new name."""
    name = fresh("t")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, partitions, config=dict(config or {}))])[name].result(PATIENCE)
    return name


def fill(bootstrap: str, topic: str, *, partitions: int, count: int = 1) -> None:
    """Put so many records into each partition."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(partitions):
        for _ in range(count):
            producer.produce(topic, b"photo", partition=number)
    assert producer.flush(PATIENCE) == 0


def committed(bootstrap: str, group: str, home: Partition) -> int:
    """What the group has committed, asked by somebody who is no member; negative when nothing."""
    asking = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        (answer,) = asking.committed([TopicPartition(home.topic, home.number)], timeout=PATIENCE)
    finally:
        asking.close()
    assert answer.error is None
    return int(answer.offset)


def values(bootstrap: str, topic: str, *, isolation: str = "read_committed") -> list[bytes]:
    """Every value of the topic's first partition that a reader of this isolation gets to see."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "never-committed",
            "isolation.level": isolation,
            "enable.partition.eof": True,
        }
    )
    found: list[bytes] = []
    try:
        reader.assign([TopicPartition(topic, 0, 0)])
        while True:
            message = reader.poll(PATIENCE)
            assert message is not None, "neither a record nor an end came"
            if message.error() is not None:
                return found
            found.append(message.value() or b"")
    finally:
        reader.close()


class Member:
    """A PhotoSource and all that it tells its listener."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        self.held: dict[Partition, Start] = {}
        self.given: list[Partition] = []
        self.gone: list[Partition] = []
        self.lost_ones: list[Partition] = []
        self.up = True
        self.read: list[Record] = []
        self.source = PhotoSource(settings, self, client_id=name, beginnings={})

    def assigned(self, starts: Mapping[Partition, Start]) -> None:
        """Keep them."""
        self.held |= starts
        self.given += starts

    def revoking(self, partitions: Sequence[Partition]) -> None:
        """Let them go."""
        self._drop(partitions)
        self.gone += partitions

    def lost(self, partitions: Sequence[Partition]) -> None:
        """They are gone."""
        self._drop(partitions)
        self.lost_ones += partitions

    def _drop(self, partitions: Sequence[Partition]) -> None:
        for home in partitions:
            self.held.pop(home, None)

    def connected(self, *, up: bool) -> None:
        """Keep the last word."""
        self.up = up

    def waiting(self) -> None:
        """Nothing is to be done."""

    def lost_to_retention(self, count: int) -> None:
        """None is expected."""
        raise AssertionError(f"{count} photos are lost")

    def prefetched(self, records: int, size: int) -> None:
        """Nothing is to be done."""

    def poll(self) -> EndOfPartition | Record | None:
        """Poll once, and keep what is a record."""
        item = self.source.poll(0.05)
        if isinstance(item, Record):
            self.read.append(item)
        return item

    def metadata(self) -> Any:
        """The proof of membership of this moment."""
        return self.source.group_metadata()


def gather(members: Sequence[Member], partitions: int) -> None:
    """Poll all in turn until they share so many partitions, none of them with nothing."""

    def settled() -> bool:
        for member in members:
            member.poll()
        return all(member.held for member in members) and sum(len(m.held) for m in members) == partitions

    wait_until(settled, PATIENCE, "every member to have its share")


class Publishing:
    """A TransactionalPublisher and its verdicts."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        self.verdicts: queue.Queue[Verdict] = queue.Queue()
        self.publisher = TransactionalPublisher(settings, name, self.verdicts.put)

    def start(self) -> Publishing:
        """Register the name."""
        self.publisher.open()
        assert self.verdicts.get(timeout=PATIENCE).kind == "registered"
        return self

    def publish(self, outputs: Sequence[Output], offsets: Mapping[Partition, int], metadata: Any) -> Verdict:
        """Run one transaction to its verdict."""
        self.publisher.publish(outputs, offsets, metadata)
        return self.verdicts.get(timeout=PATIENCE)


def record(topic: str, value: bytes, key: bytes | None = None, partition: int = 0) -> Output:
    """One record to publish."""
    return Output(topic=topic, partition=partition, key=key, value=value)
