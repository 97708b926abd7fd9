"""Reading topics without a group: from a resolved place on, committed records only, nothing left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.edges.kafka_codes import RETRIED
from worker.errors import Refuse
from worker.record import Partition
from worker.settings import KafkaSettings

Offsets = dict[Partition, int]


class Log:
    """What there is to read: partitions and the offsets of places in them."""

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str]) -> None:
        """Look the topics up.

        Raises:
            Refuse: no broker answers, or a topic is missing.
        """
        self._kafka = kafka
        try:
            self._admin = AdminClient(client_config(kafka))
            known = self._admin.list_topics(timeout=ANSWER_SECONDS).topics
        except KafkaException as exc:
            raise refuse(exc, kafka) from exc
        missing = [topic for topic in topics if topic not in known]
        if missing:
            raise Refuse(
                f"the broker at {kafka.bootstrap} has no topic {', '.join(missing)}: "
                "create what is missing with `pangaea topics create`."
            )
        self.partitions = [
            Partition(topic, number) for topic in topics for number in sorted(known[topic].partitions)
        ]

    def earliest(self) -> Offsets:
        """The oldest offsets that retention has left."""
        return self._offsets(OffsetSpec.earliest())  # type: ignore[no-untyped-call] # its only fault is no `-> OffsetSpec`

    def ends(self) -> Offsets:
        """The offsets after the last committed record: those of a transaction still open come later."""
        return self._offsets(OffsetSpec.latest())  # type: ignore[no-untyped-call] # its only fault is no `-> OffsetSpec`

    def since(self, moment: float) -> Offsets:
        """The first offsets whose records are as new as `moment` (seconds since the epoch), else the ends."""
        found = self._offsets(OffsetSpec.for_timestamp(int(moment * 1000)))
        ends = self.ends()
        return {home: offset if offset >= 0 else ends[home] for home, offset in found.items()}

    def _offsets(self, spec: OffsetSpec) -> Offsets:
        wanted = {TopicPartition(home.topic, home.number): spec for home in self.partitions}
        try:
            answers = self._admin.list_offsets(
                wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ANSWER_SECONDS
            )
            return {
                Partition(here.topic, here.partition): answer.result().offset
                for here, answer in answers.items()
            }
        except KafkaException as exc:
            raise refuse(exc, self._kafka) from exc


@contextlib.contextmanager
def reader(kafka: KafkaSettings, **more: Any) -> Iterator[Consumer]:  # noqa: ANN401 - librdkafka's values are mixed
    """Open a consumer that is to be assigned by hand: it joins no group and commits nothing.

    Raises:
        Refuse: the settings are wrong.
    """
    config: dict[str, Any] = {
        **client_config(kafka),
        # librdkafka asks for a name; without subscription and commits no group comes to be.
        "group.id": "pangaea-reader",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": 1,
        "queued.max.messages.kbytes": 16_384,
        "fetch.queue.backoff.ms": 10,
        **more,
    }
    try:
        consumer = Consumer(config)
    except KafkaException as exc:
        raise refuse(exc, kafka) from exc
    try:
        yield consumer
    finally:
        consumer.close()


def places(offsets: Offsets) -> list[TopicPartition]:
    """Return the offsets as what a consumer is assigned."""
    return [TopicPartition(home.topic, home.number, offset) for home, offset in offsets.items()]


def tolerate(error: KafkaError, kafka: KafkaSettings) -> None:
    """Pass over what a reader waits out (a broker away, a leader moving).

    Raises:
        Refuse: the rights are missing, the client is finished, or records cannot be read.
    """
    if error.fatal() or error.code() not in RETRIED:
        raise refuse(KafkaException(error), kafka)
