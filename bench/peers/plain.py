"""A confluent-kafka loop as people write it: poll, work, produce; one photo at a time, by two processes.

Mode `auto-commit`: offsets are stored by hand once their result has been handed to the producer, and the
client commits them every five seconds. Mode `exactly-once`: the client's own transactional example, which
polls into a transaction and commits it after so many photos or so long.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

from confluent_kafka import Consumer, Producer

from bench.peers.job import Job, Task, incoming

TRANSACTION_PHOTOS = 100
TRANSACTION_SECONDS = 0.05


def run(task: Task) -> None:
    """Work until SIGTERM."""
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    job = Job.open(task)
    settings = {"bootstrap.servers": task.bootstrap, "group.id": task.group, "auto.offset.reset": "earliest"}
    if task.mode == "exactly-once":
        consumer = Consumer({**settings, "enable.auto.commit": False, "isolation.level": "read_committed"})
        _transactions(task, job, consumer, stopped)
    else:
        consumer = Consumer({**settings, "enable.auto.offset.store": False})
        _loop(task, job, consumer, stopped)
    consumer.close()


def _loop(task: Task, job: Job, consumer: Consumer, stopped: list[int]) -> None:
    producer = Producer({"bootstrap.servers": task.bootstrap, "enable.idempotence": True})
    consumer.subscribe([task.photos])
    while not stopped:
        message = consumer.poll(0.1)
        producer.poll(0)
        if message is None:
            continue
        if message.error():
            raise SystemExit(str(message.error()))
        result = job(incoming(message))
        producer.produce(task.output, result.value, result.key, headers=list(result.headers))
        consumer.store_offsets(message)
    producer.flush()


def _transactions(task: Task, job: Job, consumer: Consumer, stopped: list[int]) -> None:
    producer = Producer(
        {"bootstrap.servers": task.bootstrap, "transactional.id": f"{task.group}-{task.number}"}
    )
    producer.init_transactions()
    consumer.subscribe([task.photos])
    producer.begin_transaction()
    photos, began = 0, time.monotonic()
    while not stopped:
        message = consumer.poll(TRANSACTION_SECONDS)
        if message is not None:
            if message.error():
                raise SystemExit(str(message.error()))
            result = job(incoming(message))
            producer.produce(task.output, result.value, result.key, headers=list(result.headers))
            producer.poll(0)
            photos += 1
        if photos == TRANSACTION_PHOTOS or (photos and time.monotonic() - began >= TRANSACTION_SECONDS):
            producer.send_offsets_to_transaction(
                consumer.position(consumer.assignment()), consumer.consumer_group_metadata()
            )
            producer.commit_transaction()
            producer.begin_transaction()
            photos, began = 0, time.monotonic()
    producer.abort_transaction()


if __name__ == "__main__":
    run(Task.given())
