"""Where a newly assigned partition is read from: what is committed, held against what is still there.

Asked inside the assignment callback, on the polling thread; answers that a broker owes are waited for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from confluent_kafka import OFFSET_INVALID, Consumer, TopicPartition

from worker.edges.kafka_errors import ClientDead, calling, mapped
from worker.errors import Refuse, Retry
from worker.record import Partition
from worker.settings import KafkaSettings

BROKER_SECONDS = 10.0
"""How long one question to the broker may take before it is asked again."""

LEADER_SECONDS = 0.1
"""How long to wait before a partition without a leader is asked again."""


class Start(NamedTuple):
    """Where a newly assigned partition is read from; `fresh` when the group had committed nothing yet."""

    offset: int
    fresh: bool


class Watcher(Protocol):
    """Who is told of what the questions meet."""

    def waiting(self) -> None:
        """The broker is being waited for inside a callback: slow, but alive."""

    def lost_to_retention(self, count: int) -> None:
        """So many unread photos are gone, and it was allowed to go on without them."""


class Starts:
    """Asks the broker where to begin.

    `beginnings` outlives it: where partitions begin in which the group has committed nothing yet.

    Raises (from `of`):
        Refuse: the rights are missing, retention has eaten photos that nobody has read, or the topic is
            another one.
        ClientDead: the broker did not answer in time.
    """

    def __init__(self, settings: KafkaSettings, watcher: Watcher, beginnings: dict[Partition, int]) -> None:
        self._settings = settings
        self._watcher = watcher
        self._first = beginnings
        self._counted: dict[Partition, int] = {}

    def of(self, consumer: Consumer, partitions: Sequence[Partition]) -> dict[Partition, Start]:
        """Return the start of each partition.

        Where the group has committed nothing, `PANGAEA_KAFKA__START` decides once: asked again before that is
        committed, `latest` must not skip what has come since.
        """
        return {
            Partition(each.topic, each.partition): self._start(consumer, each)
            for each in self._committed(consumer, partitions)
        }

    def _start(self, consumer: Consumer, committed: TopicPartition) -> Start:
        low, high = self._watermarks(consumer, committed)
        fresh = committed.offset == OFFSET_INVALID
        if fresh:
            home = Partition(committed.topic, committed.partition)
            committed.offset = self._first.setdefault(home, high if self._settings.start == "latest" else low)
        if committed.offset > high:
            raise Refuse(
                f"{committed.topic}/{committed.partition} ends at {high}, but group {self._settings.group}"
                f" has read up to {committed.offset}: was the topic made anew? Choose a new group with"
                " PANGAEA_KAFKA__GROUP."
            )
        if committed.offset < low:
            return Start(self._lost_to_retention(committed, low), fresh=True)
        return Start(committed.offset, fresh=fresh)

    def _lost_to_retention(self, committed: TopicPartition, low: int) -> int:
        count = low - committed.offset
        if not self._settings.accept_loss:
            raise Refuse(
                f"retention has eaten up to {count} unread photos of {committed.topic}/{committed.partition}"
                f" (offsets {committed.offset} to {low - 1}): lengthen retention.ms; to go on without them,"
                " run with --accept-loss."
            )
        # Asked again before the new start is committed, the same photos are not lost again.
        home = Partition(committed.topic, committed.partition)
        counted = max(committed.offset, self._counted.get(home, 0))
        if counted < low:
            self._watcher.lost_to_retention(low - counted)
            self._counted[home] = low
        return low

    def _committed(self, consumer: Consumer, partitions: Sequence[Partition]) -> list[TopicPartition]:
        """Read the committed offsets, waiting for transactions of a member that has just died.

        A read_committed client asks for stable offsets (KIP-447): until the dead member's transaction is
        timed out, this answers UNSTABLE_OFFSET_COMMIT or nothing.
        """
        if not partitions:
            return []
        places = [TopicPartition(home.topic, home.number) for home in partitions]
        deadline = time.monotonic() + self._settings.transaction_timeout_ms / 1000 + 3 * BROKER_SECONDS
        while True:
            try:
                with calling("reading committed offsets"):
                    answer = consumer.committed(places, timeout=BROKER_SECONDS)
                failed = next((each.error for each in answer if each.error is not None), None)
                if failed is None:
                    return answer
                raise mapped(failed, doing="reading committed offsets")
            except Retry as retry:
                self._wait(retry, deadline)

    def _watermarks(self, consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
        """Read the ends of a partition, waiting for a leader that is just being elected."""
        here = TopicPartition(partition.topic, partition.partition)
        deadline = time.monotonic() + BROKER_SECONDS
        while True:
            try:
                with calling("reading the ends of photos"):
                    answer = consumer.get_watermark_offsets(here, timeout=BROKER_SECONDS, cached=False)
            except Retry as retry:
                self._wait(retry, deadline)
                continue
            if answer is None:
                raise ClientDead("the ends of photos could not be read in time")
            return answer

    def _wait(self, retry: Retry, deadline: float) -> None:
        """Wait before the next try; inside a callback there is no going on without an answer.

        Raises:
            ClientDead: it was one already, or the deadline (monotonic seconds) is over.
        """
        if isinstance(retry, ClientDead):
            raise retry
        if time.monotonic() > deadline:
            raise ClientDead(str(retry)) from retry
        self._watcher.waiting()
        time.sleep(LEADER_SECONDS)
