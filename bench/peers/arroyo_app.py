"""sentry-arroyo: the job in threads (its strategy for work that waits), then produce, then commit.

Results leave in the order in which photos came; offsets are committed after the broker has the result, once a
second (`ONCE_PER_SECOND`, what its documentation advises): at least once, the only promise it makes.

Its strategy with processes (`RunTaskWithMultiprocessing`, for work that computes) is not in the contest, and
was not measured against this: most of a photo's time is a wait for Triton, decoding gives up the
interpreter's lock, and a process works on its batch one photo after another.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from types import FrameType
from typing import Any

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload, KafkaProducer
from arroyo.backends.kafka.configuration import (
    build_kafka_configuration,
    build_kafka_consumer_configuration,
)
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing.processor import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, Produce, RunTaskInThreads
from arroyo.processing.strategies.abstract import ProcessingStrategy, ProcessingStrategyFactory
from arroyo.types import Commit, Message, Partition, Topic

from bench.peers.job import Incoming, Job, Task
from worker.record import Source


class Factory(ProcessingStrategyFactory[KafkaPayload]):
    """The chain of strategies: work in threads → produce → commit."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._job = Job.open(task)
        self._producer = KafkaProducer(build_kafka_configuration({}, bootstrap_servers=[task.bootstrap]))

    def create_with_partitions(
        self, commit: Commit, partitions: Mapping[Partition, int]
    ) -> ProcessingStrategy[KafkaPayload]:
        """Make the chain; arroyo asks anew at each assignment."""
        del partitions
        produce: Produce[Any] = Produce(self._producer, Topic(self._task.output), CommitOffsets(commit))
        in_flight = self._task.in_flight
        return RunTaskInThreads(
            self._work, concurrency=in_flight, max_pending_futures=2 * in_flight, next_step=produce
        )

    def _work(self, message: Message[KafkaPayload]) -> KafkaPayload:
        value: Any = message.value
        source = Source(value.partition.topic.name, value.partition.index, value.offset)
        payload = message.payload
        record = Incoming(
            source, payload.key, payload.value, list(payload.headers), value.timestamp.timestamp()
        )
        result = self._job(record)
        return KafkaPayload(result.key, result.value, result.headers)

    def shutdown(self) -> None:
        """Let the producer deliver what it has."""
        self._producer.close().result(10)


def run(task: Task) -> None:
    """Work until SIGTERM."""
    settings = build_kafka_consumer_configuration(
        {}, task.group, auto_offset_reset="earliest", bootstrap_servers=[task.bootstrap]
    )
    processor = StreamProcessor(KafkaConsumer(settings), Topic(task.photos), Factory(task), ONCE_PER_SECOND)

    def stop(_number: int, _frame: FrameType | None) -> None:
        processor.signal_shutdown()

    signal.signal(signal.SIGTERM, stop)
    processor.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run(Task.given())
