"""The transactional producer's side of Kafka: outputs and offsets become visible together, or not at all.

A transaction is begun only when finished records are at hand, so none is open while anything but Kafka is
awaited. Producing does not block; what does – sending offsets, committing, aborting – runs on a thread of its
own and without a time limit: a limit of ten seconds was seen to turn a broker's restart into a fatal state.

What becomes of a transaction that Kafka does not take:
aborted – the transaction is lost, the producer lives on; it is read again and tried again.
refused – it is lost for what can never get better (a missing right, a record that the topic does not take):
trying again would hold its partitions for ever.
fatal – the producer is finished.
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
from functools import partial
from typing import Any, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from worker.edges.connection import client_config, refuse
from worker.edges.kafka_errors import ClientDead, calling, error_of, mapped, severity
from worker.errors import Refuse, Retry
from worker.record import Partition
from worker.settings import KafkaSettings

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
FOREVER = -1
CLOSE_SECONDS = 5.0
REGISTER_SECONDS = 2.0
"""One try at registering: the longest that a producer which is retired meanwhile goes on trying."""

FULL_SECONDS = 0.05
"""How long a delivery is waited for before a full queue is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One record to publish, into a partition that is named, not hashed."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Verdict(NamedTuple):
    """What became of opening (registered) or of a transaction; `why` is empty when all is well.

    `refused` and `fatal` may follow either: going on would be in vain, or the producer is finished. Whether
    its last transaction was committed is not known after `fatal`: the commit may have arrived although no
    answer did.
    """

    kind: Literal["registered", "refused", "committed", "aborted", "fatal"]
    why: str
    ended: float


class TransactionalPublisher:
    """One transactional producer; at most one transaction at a time.

    `report` is called with the verdict from the committing thread, once for `open` and for each `publish`.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, report: Callable[[Verdict], None]
    ) -> None:
        self._report = report
        self._timeout = settings.transaction_timeout_ms / 1000
        self._undelivered: KafkaError | None = None
        try:
            self._producer = Producer(self._config(settings, transactional_id))
        except KafkaException as exc:
            raise refuse(exc, settings) from exc
        self._work: queue.SimpleQueue[tuple[list[TopicPartition], Any] | None] = queue.SimpleQueue()
        self._since: float | None = None
        self._retired = False
        self._thread = threading.Thread(target=self._serve, name="committer", daemon=True)

    def _config(self, settings: KafkaSettings, transactional_id: str) -> dict[str, Any]:
        return {
            **client_config(settings),
            "client.id": transactional_id,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": settings.transaction_timeout_ms,
            # A message outlives the transaction at no time; both end together.
            "message.timeout.ms": settings.transaction_timeout_ms,
            "enable.idempotence": True,
            "linger.ms": 0,
            # The broker asks to try again while it still writes the last transaction's markers: a matter of
            # milliseconds, for which the default would wait a tenth of a second.
            "retry.backoff.ms": 10,
            "compression.type": "lz4",
            "queue.buffering.max.kbytes": settings.producer_queue_kib,
            "on_delivery": self._note,
            "delivery.report.only.error": True,
        }

    def open(self) -> None:
        """Begin to register the transactional identity, and return.

        That ends what an earlier holder of it had open, and takes as long as the broker takes.
        """
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
            Refuse: the client will never take the records.
        """
        self._undelivered = None
        try:
            with calling("publishing results"):
                self._producer.begin_transaction()
                for each in outputs:
                    self._produce(each)
        except Retry as retry:
            # Half a transaction is open: only a new producer gets rid of it.
            raise ClientDead(str(retry)) from retry
        self._since = time.monotonic()
        places = [TopicPartition(home.topic, home.number, offset) for home, offset in offsets.items()]
        self._work.put((places, group_metadata))

    def _produce(self, output: Output) -> None:
        """Hand one record over; a full queue is waited for, since it empties while the transaction is open.

        Raises:
            ClientDead: it stays full for longer than a record may wait to be delivered.
        """
        deadline = time.monotonic() + self._timeout + FULL_SECONDS
        while True:
            try:
                self._producer.produce(
                    output.topic,
                    value=output.value,
                    key=output.key,
                    partition=output.partition,
                    headers=list(output.headers),
                )
            except BufferError as exc:
                if time.monotonic() > deadline:
                    raise ClientDead("the queue of Kafka's producer stays full") from exc
                self._producer.poll(FULL_SECONDS)
            else:
                return

    def retire(self) -> None:
        """Let go of it at once: its thread drops what it still holds, and the broker aborts the rest.

        A call that hangs in librdkafka cannot be interrupted: it is left to that thread, which drops the
        producer if the call ever returns. Whatever it does then is fenced by the next holder of the name.
        """
        self._retired = True
        if self._since is not None:
            # A commit under way would otherwise wait for deliveries that cannot come.
            self._producer.purge()
        self._work.put(None)

    def close(self) -> None:
        """Retire, and wait a while for the end."""
        self.retire()
        if self._thread.ident is None:
            self._drop()
        else:
            self._thread.join(timeout=CLOSE_SECONDS)

    def _serve(self) -> None:
        self._report(self._safely(self._register))
        while (work := self._work.get()) is not None:
            verdict = self._safely(partial(self._settle, *work))
            self._since = None
            self._report(verdict)
        self._drop()

    @staticmethod
    def _safely(step: Callable[[], Verdict]) -> Verdict:
        try:
            return step()
        except Exception as exc:  # noqa: BLE001 - a thread that dies in silence would be worse
            # Not librdkafka's word but confluent-kafka's: a closed client, a value it cannot pass on.
            return Verdict("fatal", f"{type(exc).__name__}: {exc}", time.monotonic())

    def _register(self) -> Verdict:
        kind: Literal["registered", "refused", "fatal"] = "fatal"
        why, pause = "it was retired", FIRST_PAUSE_SECONDS
        while not self._retired:
            try:
                with calling("opening transactions"):
                    self._producer.init_transactions(REGISTER_SECONDS)
            except Refuse as refusal:
                kind, why = "refused", str(refusal)
            except ClientDead as dead:
                kind, why = "fatal", str(dead)
            except Retry:
                pause = _wait(pause)
                continue
            else:
                kind, why = "registered", ""
            break
        return Verdict(kind, why, time.monotonic())

    def _drop(self) -> None:
        """Close the producer, on one thread only: librdkafka's close is not for two at once."""
        with warnings.catch_warnings(), suppress(KafkaException):
            # It tries to abort what is open, and says so when a finished client cannot; the broker will.
            warnings.simplefilter("ignore", RuntimeWarning)
            self._producer.close()

    def _note(self, error: KafkaError | None, _: Message) -> None:
        """Keep why a record was not delivered: the commit that fails for it may only say that one was not."""
        if error is not None and self._undelivered is None:
            self._undelivered = error

    def _settle(self, offsets: list[TopicPartition], group_metadata: Any) -> Verdict:  # noqa: ANN401 - as above
        try:
            _patiently(lambda: self._producer.send_offsets_to_transaction(offsets, group_metadata, FOREVER))
            _patiently(lambda: self._producer.commit_transaction(FOREVER))
        except KafkaException as exc:
            error = error_of(exc)
            if severity(error) == "abort":
                return self._abort(self._cause(error))
            return Verdict("fatal", error.str(), time.monotonic())
        return Verdict("committed", "", time.monotonic())

    def _cause(self, error: KafkaError) -> KafkaError:
        if error.code() == KafkaError._INCONSISTENT and self._undelivered is not None:  # noqa: SLF001 - librdkafka's own code
            return self._undelivered
        return error

    def _abort(self, cause: KafkaError) -> Verdict:
        why = cause.str()
        try:
            _patiently(lambda: self._producer.abort_transaction(FOREVER))
        except KafkaException as exc:
            return Verdict("fatal", f"{why}; and the abort failed: {error_of(exc).str()}", time.monotonic())
        trouble = mapped(cause, doing="publishing results")
        if isinstance(trouble, Refuse):
            return Verdict("refused", str(trouble), time.monotonic())
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
            pause = _wait(pause)
        else:
            return


def _wait(pause: float) -> float:
    """Sleep, with jitter, and return the next pause."""
    time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
    return min(2 * pause, LONGEST_PAUSE_SECONDS)
