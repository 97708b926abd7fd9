"""The consumer's side of Kafka: the records of `photos`, in order, and what becomes of the assignment.

One thread polls; every callback runs inside `poll`, on that thread. Offsets are never taken from position():
what is committed is decided by the ordering, and where reading starts is read from the broker here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.edges.connection import client_config, refuse
from worker.edges.kafka_errors import ClientDead, error_of, mapped
from worker.errors import PangaeaError, Refuse, Retry
from worker.record import Partition, Source
from worker.settings import KafkaSettings

BROKER_SECONDS = 10.0
"""How long one question to the broker may take before it is asked again."""

LEADER_SECONDS = 0.1
"""How long to wait before a partition without a leader is asked again."""


class Start(NamedTuple):
    """Where a newly assigned partition is read from; `fresh` when the group had committed nothing yet."""

    offset: int
    fresh: bool


class Listener(Protocol):
    """Who is told of the assignment, on the polling thread, before `poll` returns."""

    def assigned(self, starts: Mapping[Partition, Start]) -> None:
        """Partitions are ours from here on."""

    def revoking(self, partitions: Sequence[Partition]) -> None:
        """Partitions are about to go: finish what can be finished; they are gone when this returns."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Partitions are somebody else's already: nothing of theirs may be committed."""

    def connected(self, *, up: bool) -> None:
        """The last broker went away, or one came back."""

    def waiting(self) -> None:
        """The broker is being waited for inside a callback: slow, but alive."""

    def lost_to_retention(self, count: int) -> None:
        """So many unread photos are gone, and it was allowed to go on without them."""

    def prefetched(self, records: int, size: int) -> None:
        """Records and bytes that the client holds fetched and not yet taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of `photos` as read.

    `timestamp` is in seconds since the epoch, None where there is none; `headers` is None where they cannot
    be read.
    """

    source: Source
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | str | None], ...] | None
    timestamp: float | None


class EndOfPartition(NamedTuple):
    """Everything up to `offset` has been read."""

    partition: Partition
    offset: int


class PhotoSource:
    """A member of the consumer group that reads `photos`.

    Raises (from `poll`):
        Refuse: the rights are missing, or retention has eaten photos that nobody has read.
        Retry: the broker or the topic is away for now; polling on is the cure.
        ClientDead: a new client is needed.
    """

    def __init__(self, settings: KafkaSettings, listener: Listener, *, client_id: str) -> None:
        self._settings = settings
        self._listener = listener
        self._paused = False
        try:
            self._consumer = Consumer(self._config(client_id))
        except KafkaException as exc:
            raise refuse(exc, settings) from exc
        self._consumer.subscribe(
            [settings.photos_topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose
        )

    def _config(self, client_id: str) -> dict[str, Any]:
        settings = self._settings
        config: dict[str, Any] = {
            **client_config(settings),
            "client.id": client_id,
            "group.id": settings.group,
            "group.protocol": settings.protocol,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "max.poll.interval.ms": settings.max_poll_interval_ms,
            "fetch.min.bytes": 1,
            "queued.max.messages.kbytes": settings.prefetch_kib,
            "fetch.queue.backoff.ms": 10,
            "statistics.interval.ms": 2_000,
            "stats_cb": self._statistics,
            "error_cb": self._trouble,
        }
        if settings.protocol == "classic":
            # With KIP-848 these two are the broker's to set, and librdkafka refuses them here.
            config["session.timeout.ms"] = settings.session_timeout_ms
            config["partition.assignment.strategy"] = "cooperative-sticky"
        return config

    def poll(self, seconds: float) -> Record | EndOfPartition | None:
        """Return the next record, an end of partition, or None when there was nothing for so long."""
        try:
            message = self._consumer.poll(seconds)
        except KafkaException as exc:
            raise mapped(error_of(exc), doing="reading photos") from exc
        if message is None:
            return None
        error = message.error()
        if error is None:
            return _record(message)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
            return EndOfPartition(_partition(message), _known(message.offset()))
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's own code
            self._fell_behind(_partition(message))
            return None
        raise mapped(error, doing="reading photos")

    def group_metadata(self) -> Any:  # noqa: ANN401 - opaque by confluent-kafka's design
        """Return the proof of membership for a transaction; ask on the polling thread, after callbacks."""
        return self._consumer.consumer_group_metadata()

    def rewind(self, partition: Partition, offset: int) -> None:
        """Read this partition again from the offset; what was fetched ahead is thrown away.

        Raises:
            ClientDead: the client would not: it has to be rebuilt, which reads from the committed offset.
        """
        here = TopicPartition(partition.topic, partition.number, offset)
        try:
            # Not seek(): it fails on a partition whose fetcher has not started.
            self._consumer.incremental_unassign([here])
            self._consumer.incremental_assign([here])
            self._held(self._consumer, [partition])
        except KafkaException as exc:
            raise ClientDead(f"{partition.topic} could not be read again: {error_of(exc).str()}") from exc

    def pause(self) -> None:
        """Stop fetching all that is assigned; `poll` still serves the group."""
        self._paused = True
        self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again."""
        self._paused = False
        self._consumer.resume(self._consumer.assignment())

    def close(self) -> None:
        """Leave the group; the listener is told that its partitions go."""
        self._consumer.close()

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = {
            Partition(each.topic, each.partition): self._start(consumer, each)
            for each in self._committed(consumer, partitions)
        }
        consumer.incremental_assign(
            [TopicPartition(home.topic, home.number, start.offset) for home, start in starts.items()]
        )
        self._held(consumer, list(starts))
        self._listener.assigned(starts)

    def _held(self, consumer: Consumer, partitions: Sequence[Partition]) -> None:
        """Pause or resume what was just assigned: librdkafka keeps the flag of the last time it was ours."""
        places = [TopicPartition(home.topic, home.number) for home in partitions]
        if places:
            (consumer.pause if self._paused else consumer.resume)(places)

    def _committed(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Read the committed offsets, waiting for transactions of a member that has just died.

        A read_committed client asks for stable offsets (KIP-447): until the dead member's transaction is
        timed out, this answers UNSTABLE_OFFSET_COMMIT or nothing.
        """
        if not partitions:
            return []
        deadline = time.monotonic() + self._settings.transaction_timeout_ms / 1000 + 3 * BROKER_SECONDS
        while True:
            try:
                answer = consumer.committed(partitions, timeout=BROKER_SECONDS)
            except KafkaException as exc:
                trouble = mapped(error_of(exc), doing="reading committed offsets")
            else:
                failed = next((each.error for each in answer if each.error is not None), None)
                if failed is None:
                    return answer
                trouble = mapped(failed, doing="reading committed offsets")
            if not isinstance(trouble, Retry) or time.monotonic() > deadline:
                raise _dead(trouble)
            self._listener.waiting()
            time.sleep(LEADER_SECONDS)

    def _start(self, consumer: Consumer, committed: TopicPartition, *, midway: bool = False) -> Start:
        """Decide where to read; `latest` counts for a group that has never read, not midway."""
        low, high = self._watermarks(consumer, committed)
        if committed.offset == OFFSET_INVALID:
            return Start(high if self._settings.start == "latest" and not midway else low, fresh=True)
        if committed.offset > high:
            raise Refuse(
                f"{committed.topic}/{committed.partition} ends at {high}, but group {self._settings.group}"
                f" has read up to {committed.offset}: was the topic made anew? Choose a new group with"
                " PANGAEA_KAFKA__GROUP."
            )
        if committed.offset < low:
            return Start(self._lost_to_retention(committed, low), fresh=True)
        return Start(committed.offset, fresh=False)

    def _lost_to_retention(self, committed: TopicPartition, low: int) -> int:
        count = low - committed.offset
        if not self._settings.accept_loss:
            raise Refuse(
                f"retention has eaten up to {count} unread photos of {committed.topic}/{committed.partition}"
                f" (offsets {committed.offset} to {low - 1}): lengthen retention.ms; to go on without them,"
                " run with --accept-loss."
            )
        self._listener.lost_to_retention(count)
        return low

    def _watermarks(self, consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
        """Read the ends of a partition, waiting for a leader that is just being elected."""
        here = TopicPartition(partition.topic, partition.partition)
        deadline = time.monotonic() + BROKER_SECONDS
        while True:
            try:
                answer = consumer.get_watermark_offsets(here, timeout=BROKER_SECONDS, cached=False)
            except KafkaException as exc:
                trouble = mapped(error_of(exc), doing="reading the ends of photos")
                if not isinstance(trouble, Retry) or time.monotonic() > deadline:
                    raise _dead(trouble) from exc
                self._listener.waiting()
                time.sleep(LEADER_SECONDS)
                continue
            if answer is None:
                raise ClientDead("the ends of photos could not be read in time")
            return answer

    def _fell_behind(self, partition: Partition) -> None:
        """Retention passed the reader: stop with the count, or go on from what is left."""
        committed = self._committed(self._consumer, [TopicPartition(partition.topic, partition.number)])[0]
        start = self._start(self._consumer, committed, midway=True)
        self._listener.assigned({partition: start})
        self.rewind(partition, start.offset)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.revoking(_partitions(partitions))
        consumer.incremental_unassign(partitions)

    def _lose(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.lost(_partitions(partitions))
        consumer.incremental_unassign(partitions)

    def _trouble(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own code
            self._listener.connected(up=False)

    def _statistics(self, text: str) -> None:
        statistics = orjson.loads(text)
        brokers = statistics["brokers"].values()
        self._listener.connected(up=any(b["state"] == "UP" and b["nodeid"] >= 0 for b in brokers))
        partitions = [
            each for topic in statistics["topics"].values() for each in topic["partitions"].values()
        ]
        self._listener.prefetched(
            sum(each["fetchq_cnt"] for each in partitions), sum(each["fetchq_size"] for each in partitions)
        )


def _dead(trouble: PangaeaError) -> PangaeaError:
    """Inside a callback there is no going on without an answer: a Retry becomes a new client."""
    if isinstance(trouble, Retry) and not isinstance(trouble, ClientDead):
        return ClientDead(str(trouble))
    return trouble


def _record(message: Message) -> Record:
    kind, milliseconds = message.timestamp()
    return Record(
        source=Source(*_partition(message), _known(message.offset())),
        key=message.key(),
        value=message.value(),
        headers=_headers(message),
        timestamp=milliseconds / 1000 if kind and milliseconds > 0 else None,
    )


def _headers(message: Message) -> tuple[tuple[str, bytes | str | None], ...] | None:
    """Read the headers; None when a name is not UTF-8, which confluent-kafka raises as a SystemError."""
    try:
        headers = message.headers()
    except (SystemError, UnicodeError):
        return None
    return tuple(headers or ())  # type: ignore[arg-type] # the stub admits a dict, the C code never makes one


def _partition(message: Message) -> Partition:
    topic, number = message.topic(), message.partition()
    if topic is None or number is None:
        raise ClientDead("Kafka gave a record without a place")
    return Partition(topic, number)


def _known(offset: int | None) -> int:
    if offset is None:
        raise ClientDead("Kafka gave a record without an offset")
    return offset


def _partitions(partitions: Sequence[TopicPartition]) -> tuple[Partition, ...]:
    return tuple(Partition(each.topic, each.partition) for each in partitions)
