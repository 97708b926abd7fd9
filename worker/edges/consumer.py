"""The consumer's side of Kafka: the records of `photos`, in order, and what becomes of the assignment.

One thread polls; every callback runs inside `poll`, on that thread. Offsets are never taken from position():
what is committed is decided by the ordering, and where reading starts by `starts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.edges.connection import client_config, refuse
from worker.edges.kafka_codes import UNWELCOME
from worker.edges.kafka_errors import ClientDead, calling, error_of, mapped
from worker.edges.starts import Start as Start  # noqa: PLC0414 - the listener hears of it
from worker.edges.starts import Starts, Watcher
from worker.errors import PangaeaError
from worker.record import Partition, Source
from worker.settings import KafkaSettings

HEARTBEAT_MS = 1_000
"""How often a member of the classic protocol tells the group that it lives, and hears what has changed."""


class Listener(Watcher, Protocol):
    """Who is told of the assignment, on the polling thread, before `poll` returns."""

    def assigned(self, starts: Mapping[Partition, Start]) -> None:
        """Partitions are ours from here on."""

    def revoking(self, partitions: Sequence[Partition]) -> None:
        """Partitions are about to go: finish what can be finished; they are gone when this returns."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Partitions are somebody else's already: nothing of theirs may be committed."""

    def connected(self, *, up: bool) -> None:
        """The last broker went away, or one came back."""

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

    def __init__(
        self,
        settings: KafkaSettings,
        listener: Listener,
        *,
        client_id: str,
        beginnings: dict[Partition, int],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._starts = Starts(settings, listener, beginnings)
        self._rewound = False
        self._paused = False
        self._closing = False
        self._unwelcome: PangaeaError | None = None
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
            # A rebalance is heard of with a heartbeat; the default, every 3 s, is how long partitions would
            # stand still when a member leaves. A third of the session is the most that Kafka advises.
            config["heartbeat.interval.ms"] = min(HEARTBEAT_MS, max(1, settings.session_timeout_ms // 3))
            config["partition.assignment.strategy"] = "cooperative-sticky"
        return config

    def poll(self, seconds: float) -> Record | EndOfPartition | None:
        """Return the next record, an end of partition, or None when there was nothing for so long."""
        with calling("reading photos"):
            message = self._consumer.poll(seconds)
            self._rewound = False
        if message is None:
            unwelcome, self._unwelcome = self._unwelcome, None
            if unwelcome is not None:
                raise unwelcome
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
        with calling("asking for the group"):
            return self._consumer.consumer_group_metadata()

    def rewind(self, partition: Partition, offset: int) -> None:
        """Read this partition again from the offset; what was fetched ahead is thrown away.

        Raises:
            ClientDead: the client would not: it has to be rebuilt, which reads from the committed offset.
        """
        here = TopicPartition(partition.topic, partition.number, offset)
        self._rewound = True
        try:
            # Not seek(): it fails on a partition whose fetcher has not started.
            self._consumer.incremental_unassign([here])
            self._consumer.incremental_assign([here])
            self._held(self._consumer, [partition])
        except KafkaException as exc:
            raise ClientDead(f"{partition.topic} could not be read again: {error_of(exc).str()}") from exc

    def restart(self) -> None:
        """Read all that is assigned again from what the broker has committed; the listener is told where.

        Raises:
            Refuse, ClientDead: as for `rewind` and for an assignment.
        """
        with calling("asking for the assignment"):
            starts = self._starts.of(self._consumer, _partitions(self._consumer.assignment()))
        self._listener.assigned(starts)
        for home, start in starts.items():
            self.rewind(home, start.offset)

    def pause(self) -> None:
        """Stop fetching all that is assigned; `poll` still serves the group."""
        self._paused = True
        with calling("pausing"):
            self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again."""
        self._paused = False
        with calling("resuming"):
            self._consumer.resume(self._consumer.assignment())

    def close(self) -> None:
        """Leave the group; the listener is told that its partitions go."""
        self._closing = True
        with suppress(KafkaException):
            # Why this member leaves must not be hidden by how: who cannot leave is missed by the group.
            self._consumer.close()

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            # Handed out while leaving: closing gives it back, and would not have the broker answer here.
            return
        starts = self._starts.of(consumer, _partitions(partitions))
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

    def _fell_behind(self, partition: Partition) -> None:
        """Retention passed the reader: stop with the count, or go on from what is left."""
        start = self._starts.of(self._consumer, [partition])[partition]
        self._listener.assigned({partition: start})
        self.rewind(partition, start.offset)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._rewound:
            # librdkafka may have taken the rewind for the answer to this revoke, and let the group go on: the
            # partitions may have an owner already, so they are treated as lost.
            self._listener.lost(_partitions(partitions))
        else:
            self._listener.revoking(_partitions(partitions))
        consumer.incremental_unassign(partitions)

    def _lose(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.lost(_partitions(partitions))
        consumer.incremental_unassign(partitions)

    def _trouble(self, error: KafkaError) -> None:
        """Take what librdkafka says outside of calls: it goes on by itself, so nothing here ends anything.

        A broker that is away is told through `connected`; one that turns the client away is raised by `poll`.
        """
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own code
            self._listener.connected(up=False)
        elif error.code() in UNWELCOME:
            self._unwelcome = mapped(error, doing="connecting")

    def _statistics(self, text: str) -> None:
        statistics = orjson.loads(text)
        brokers = statistics["brokers"].values()
        self._listener.connected(up=any(b["state"] == "UP" and b["nodeid"] >= 0 for b in brokers))
        partitions = [
            each for topic in statistics["topics"].values() for each in topic["partitions"].values()
        ]
        # One queue for all that is assigned, told anew by each partition: the sum would count it many times.
        self._listener.prefetched(
            max((each["fetchq_cnt"] for each in partitions), default=0),
            max((each["fetchq_size"] for each in partitions), default=0),
        )


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
