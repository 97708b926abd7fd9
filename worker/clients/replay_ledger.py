"""How replayed photos are copied, and how far each reason has come: both in one Kafka transaction.

Progress is the committed offset of the group `pangaea-replay` on `photos.rejected`; its metadata hold an
offset for each reason, for a run may replay some and leave others. The broker keeps it for its
`offsets.retention.minutes` after the last run: 7 days by default, far longer than it keeps photos.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from worker.clients.reading import places
from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.edges.kafka_codes import PASSING
from worker.edges.kafka_errors import error_of
from worker.errors import Refuse
from worker.finish.document import timestamp
from worker.record import Partition
from worker.settings import KafkaSettings
from worker.topics import MAX_RECORD_BYTES

MARK = "pangaea-replayed-from"
GROUP = "pangaea-replay"
BATCH_PHOTOS = 100
BATCH_BYTES = 32 * 1024 * 1024

Positions = dict[tuple[Partition, str], int]
"""By rejected partition and reason: the offset up to which all has been replayed."""


@dataclass(slots=True)
class Batch:
    """Copies to produce and the progress that they make, held in memory: no transaction waits for reading."""

    copies: list[Message] = field(default_factory=list)
    positions: Positions = field(default_factory=dict)
    size: int = 0

    @property
    def full(self) -> bool:
        """Time to commit."""
        return len(self.copies) >= BATCH_PHOTOS or self.size >= BATCH_BYTES


class Copier:
    """Produces copies and commits the progress they make, in one transaction, which is over at once.

    While a transaction is open in `photos`, the workers wait behind it: so it is opened only when every copy
    is at hand. A second replay takes the name over and ends the first.
    """

    def __init__(self, kafka: KafkaSettings, consumer: Consumer) -> None:
        self._kafka = kafka
        self._consumer = consumer
        self._producer = Producer(
            {
                **client_config(kafka),
                "transactional.id": GROUP,
                "transaction.timeout.ms": kafka.transaction_timeout_ms,
                "message.timeout.ms": kafka.transaction_timeout_ms,
                "message.max.bytes": MAX_RECORD_BYTES,
                "queue.buffering.max.kbytes": 2 * BATCH_BYTES // 1024,
            }
        )
        try:
            self._producer.init_transactions(2 * ANSWER_SECONDS)
        except KafkaException as exc:
            raise refuse(exc, kafka) from exc

    def commit(self, batch: Batch, progress: Sequence[TopicPartition]) -> None:
        """Produce the batch and note the progress, both or neither.

        Raises:
            Refuse: the transaction failed; nothing of it is visible.
        """
        try:
            self._producer.begin_transaction()
            for message in batch.copies:
                self._producer.produce(
                    message.topic() or "",
                    value=message.value(),
                    key=message.key(),
                    partition=message.partition() or 0,
                    headers=_marked(message),
                )
            group = self._consumer.consumer_group_metadata()
            self._producer.send_offsets_to_transaction(list(progress), group)
            self._producer.commit_transaction()
        except (KafkaException, BufferError) as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: KafkaException | BufferError) -> Refuse:
        error = error_of(exc) if isinstance(exc, KafkaException) else None
        if error is not None and error.fatal():
            return Refuse(f"another `pangaea replay` took over, or Kafka ended this one: {error.str()}.")
        try:
            self._producer.abort_transaction(ANSWER_SECONDS)
        except KafkaException:
            self._producer.purge()
        return Refuse(f"Kafka did not commit this batch ({exc}): run the same command again.")


def positions(consumer: Consumer, partitions: Sequence[Partition], kafka: KafkaSettings) -> Positions:
    """Read how far earlier runs came; notes that cannot be read count as none."""
    found: Positions = {}
    for each in _committed(consumer, partitions, kafka):
        try:
            by_reason = orjson.loads(each.metadata or "{}").get("replayed", {})
        except orjson.JSONDecodeError:
            continue
        found |= {
            (Partition(each.topic, each.partition), str(reason)): int(offset)
            for reason, offset in by_reason.items()
        }
    return found


def _committed(
    consumer: Consumer, partitions: Sequence[Partition], kafka: KafkaSettings
) -> list[TopicPartition]:
    """Ask until the coordinator answers: the very first group of a cluster waits for its topic to be made."""
    deadline = time.monotonic() + 2 * ANSWER_SECONDS
    while True:
        try:
            answer = consumer.committed(places(dict.fromkeys(partitions, 0)), timeout=ANSWER_SECONDS)
            error = next((each.error for each in answer if each.error is not None), None)
        except KafkaException as exc:
            answer, error = [], error_of(exc)
        if error is None:
            return answer
        if error.code() not in PASSING or time.monotonic() > deadline:
            raise refuse(KafkaException(error), kafka)
        time.sleep(0.1)


def progress(home: Partition, known: Positions) -> TopicPartition:
    """Return the group's offset for a partition; its metadata has the offset of each reason."""
    by_reason = {reason: offset for (place, reason), offset in known.items() if place == home}
    note = orjson.dumps({"at": timestamp(time.time()), "replayed": by_reason}).decode()
    return TopicPartition(home.topic, home.number, max(by_reason.values()), metadata=note)


def headers_of(message: Message) -> list[tuple[str, Any]]:
    """Return the record's headers in their order, an empty list where it has none."""
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def _marked(message: Message) -> list[tuple[str, Any]]:
    """The original's headers, and the place of the first of its records."""
    headers = headers_of(message)
    if MARK not in dict(headers):
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        headers.append((MARK, place.encode()))
    return headers
