"""A member of a consumer group as the worker is one: the worker's own clients, and little between them."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from worker.edges.consumer import PhotoSource, Record, Start
from worker.edges.producer import Output, TransactionalPublisher, Verdict
from worker.errors import Refuse
from worker.record import Partition, Source
from worker.settings import KafkaSettings

ANSWER_SECONDS = 20.0
POLL_SECONDS = 0.5


class Seen:
    """Hears of the assignment, and does no more than that; `assigned_at_all` once there was one."""

    def __init__(self) -> None:
        self.assigned_at_all = False

    def assigned(self, starts: Mapping[Partition, Start]) -> None:
        """Partitions came."""
        self.assigned_at_all |= bool(starts)

    def revoking(self, partitions: Sequence[Partition]) -> None:
        """Partitions go."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Partitions are gone."""

    def connected(self, *, up: bool) -> None:
        """The broker came or went."""

    def prefetched(self, records: int, size: int) -> None:
        """The client holds so much."""

    def waiting(self) -> None:
        """The broker takes its time."""

    def lost_to_retention(self, count: int) -> None:
        """Photos are gone."""


class Reader:
    """Reads photos as the worker does, in a group that nobody else is in."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._seen = Seen()
        self._source = PhotoSource(
            kafka.model_copy(update={"group": name}), self._seen, client_id=name, beginnings={}
        )

    def joined(self) -> Record | None:
        """Wait for the assignment; return a photo if one came along with it.

        Raises:
            Refuse: the group does not come together.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._seen.assigned_at_all:
            if time.monotonic() > deadline:
                raise Refuse("the broker assigns no partitions: see its log.")
            found = self._source.poll(POLL_SECONDS)
            if isinstance(found, Record):
                return found
        return None

    def take(self, seconds: float) -> Record | None:
        """Return the next photo, or None after so many seconds or at an end."""
        found = self._source.poll(seconds)
        return found if isinstance(found, Record) else None

    def group_metadata(self) -> object:
        """The proof of membership that a transaction needs."""
        return self._source.group_metadata()

    def close(self) -> None:
        """Leave the group."""
        self._source.close()


class Member:
    """Answers photos with a result in the worker's transactions: one at a time, and as far apart."""

    def __init__(self, kafka: KafkaSettings, name: str, result: Callable[[Source], Output]) -> None:
        self._interval = kafka.commit_interval_ms / 1000
        self._result = result
        self._verdicts: queue.Queue[Verdict] = queue.Queue()
        self._publisher = TransactionalPublisher(kafka, name, self._verdicts.put)
        self._publisher.open()
        try:
            self._hear(self._verdicts.get(timeout=ANSWER_SECONDS), "registered")
        except queue.Empty:
            raise Refuse("the broker registers no producer of transactions: see its log.") from None
        self.reader = Reader(kafka, name)
        self._waiting: list[Source] = []
        self._open = False
        self._ended = float("-inf")

    @classmethod
    @contextmanager
    def opened(cls, kafka: KafkaSettings, name: str, result: Callable[[Source], Output]) -> Iterator[Self]:
        """Register and join; leave at the end."""
        member = cls(kafka, name, result)
        try:
            yield member
        finally:
            member._publisher.close()
            member.reader.close()

    @property
    def idle(self) -> bool:
        """Whether every photo that was taken is committed."""
        return not self._waiting and not self._open

    def take(self) -> bool:
        """Take the next photo, if one is there."""
        record = self.reader.take(0.0)
        if record is not None:
            self._waiting.append(record.source)
        return record is not None

    def work(self, until: float) -> None:
        """Open a transaction as soon as one may be opened, hear how it ends; return at `until` or sooner.

        Raises:
            Refuse: a transaction was not committed.
        """
        now = time.monotonic()
        if self._waiting and not self._open:
            if now >= self._ended + self._interval:
                self._publish()
            else:
                until = min(until, self._ended + self._interval)
        try:
            verdict = self._verdicts.get(timeout=max(0.0, until - now))
        except queue.Empty:
            return
        self._hear(verdict, "committed")
        self._open, self._ended = False, verdict.ended

    def _publish(self) -> None:
        offsets = {source.home: source.offset + 1 for source in self._waiting}
        outputs = [self._result(source) for source in self._waiting]
        self._waiting, self._open = [], True
        self._publisher.publish(outputs, offsets, self.reader.group_metadata())

    @staticmethod
    def _hear(verdict: Verdict, wanted: str) -> None:
        if verdict.kind != wanted:
            raise Refuse(f"Kafka's transactions do not work ({verdict.kind}: {verdict.why}): see its log.")
