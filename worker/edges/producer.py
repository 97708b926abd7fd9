"""The transactional producer's side of Kafka: outputs and offsets become visible together, or not at all.

A transaction is begun only when finished records are at hand, so none is open while anything but Kafka is
awaited. Producing does not block; what does – sending offsets, committing, aborting – runs on a thread of its
own and without a time limit: a limit of ten seconds was seen to turn a broker's restart into a fatal state.
"""

from __future__ import annotations

import queue
import random
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from confluent_kafka import KafkaException, Producer, TopicPartition

from worker.edges.connection import client_config, refuse
from worker.edges.kafka_errors import ClientDead, error_of, mapped, severity
from worker.record import Partition
from worker.settings import KafkaSettings

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
FOREVER = -1
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One record to publish, into a partition that is named, not hashed."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Verdict(NamedTuple):
    """How a transaction ended; `why` is empty when it is committed."""

    kind: Literal["committed", "aborted", "fatal"]
    why: str
    ended: float


class TransactionalPublisher:
    """One transactional producer; at most one transaction at a time.

    `report` is called with the verdict from the committing thread, exactly once for each `publish`.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, report: Callable[[Verdict], None]
    ) -> None:
        self._report = report
        try:
            self._producer = Producer(self._config(settings, transactional_id))
        except KafkaException as exc:
            raise refuse(exc, settings) from exc
        self._work: queue.SimpleQueue[tuple[list[TopicPartition], Any] | None] = queue.SimpleQueue()
        self._since: float | None = None
        self._thread = threading.Thread(target=self._serve, name="committer", daemon=True)

    @staticmethod
    def _config(settings: KafkaSettings, transactional_id: str) -> dict[str, Any]:
        return {
            **client_config(settings),
            "client.id": transactional_id,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": settings.transaction_timeout_ms,
            # A message outlives the transaction at no time; both end together.
            "message.timeout.ms": settings.transaction_timeout_ms,
            "enable.idempotence": True,
            "linger.ms": 0,
            "compression.type": "lz4",
            "queue.buffering.max.kbytes": settings.producer_queue_kib,
        }

    def start(self, seconds: float) -> None:
        """Register the transactional identity, which ends what an earlier holder of it had open.

        Raises:
            Retry: the broker is away or does not answer in time.
            ClientDead: a new producer is needed.
            Refuse: the rights are missing.
        """
        try:
            self._producer.init_transactions(seconds)
        except KafkaException as exc:
            raise mapped(error_of(exc), doing="opening transactions") from exc
        self._thread.start()

    @property
    def busy_since(self) -> float | None:
        """The monotonic moment at which the transaction under way was handed over, or None."""
        return self._since

    @property
    def queued(self) -> int:
        """Records that the producer holds and has not delivered."""
        return len(self._producer)

    def publish(
        self,
        outputs: Sequence[Output],
        offsets: Mapping[Partition, int],
        group_metadata: Any,  # noqa: ANN401 - opaque by confluent-kafka's design
    ) -> None:
        """Open a transaction, produce, and leave offsets and commit to the committing thread.

        Args:
            outputs: the records, in the order they shall have.
            offsets: the next offset to read of each input partition; never empty.
            group_metadata: the consumer's proof of membership.

        Raises:
            ClientDead: the transaction could not be opened or filled: build a new producer.
        """
        try:
            self._producer.begin_transaction()
            for each in outputs:
                self._producer.produce(
                    each.topic,
                    value=each.value,
                    key=each.key,
                    partition=each.partition,
                    headers=list(each.headers),
                )
        except (KafkaException, BufferError) as exc:
            why = error_of(exc).str() if isinstance(exc, KafkaException) else "its queue is full"
            raise ClientDead(f"Kafka's producer does not take records: {why}") from exc
        self._since = time.monotonic()
        places = [TopicPartition(home.topic, home.number, offset) for home, offset in offsets.items()]
        self._work.put((places, group_metadata))

    def close(self) -> None:
        """End the committing thread and drop what the producer still holds; the broker aborts the rest.

        A call that hangs in librdkafka cannot be interrupted: it is left to its thread, which drops the
        producer if the call ever returns. Whatever it does then is fenced by the next holder of the name.
        """
        if self._since is not None:
            # A commit under way would otherwise wait for deliveries that cannot come.
            self._producer.purge()
        if self._thread.ident is None:
            self._drop()
            return
        self._work.put(None)
        self._thread.join(timeout=CLOSE_SECONDS)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            verdict = self._settle(*work)
            self._since = None
            self._report(verdict)
        self._drop()

    def _drop(self) -> None:
        """Close the producer, on one thread only: librdkafka's close is not for two at once."""
        with warnings.catch_warnings(), suppress(KafkaException):
            # It tries to abort what is open, and says so when a finished client cannot; the broker will.
            warnings.simplefilter("ignore", RuntimeWarning)
            self._producer.close()

    def _settle(self, offsets: list[TopicPartition], group_metadata: Any) -> Verdict:  # noqa: ANN401 - as above
        try:
            _patiently(lambda: self._producer.send_offsets_to_transaction(offsets, group_metadata, FOREVER))
            _patiently(lambda: self._producer.commit_transaction(FOREVER))
        except KafkaException as exc:
            error = error_of(exc)
            if severity(error) == "abort":
                return self._abort(error.str())
            return Verdict("fatal", error.str(), time.monotonic())
        return Verdict("committed", "", time.monotonic())

    def _abort(self, why: str) -> Verdict:
        try:
            _patiently(lambda: self._producer.abort_transaction(FOREVER))
        except KafkaException as exc:
            return Verdict("fatal", f"{why}; and the abort failed: {error_of(exc).str()}", time.monotonic())
        return Verdict("aborted", why, time.monotonic())


def _patiently(call: Callable[[], None]) -> None:
    """Repeat a retriable call with growing, jittered pauses; any other error is the caller's."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            call()
        except KafkaException as exc:
            if severity(error_of(exc)) != "retry":
                raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        else:
            return
