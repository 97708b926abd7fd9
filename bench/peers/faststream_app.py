"""FastStream on its confluent broker.

Mode `concurrent`: `max_workers` handlers at once, its documented concurrency; it refuses any acknowledgement
after the work there, so a record counts as done as soon as it is taken. Mode `batch`: batches of records,
worked on together and acknowledged when all are published (`AckPolicy.NACK_ON_ERROR`, since `ACK`
acknowledges a batch that has failed as well): at least once. Who holds a batch asks for it together: a
request to Triton carries as many photos as the model takes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Message
from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker, KafkaMessage, KafkaResponse
from tritonclient.grpc.aio import InferenceServerClient

from bench.peers.job import MODEL, PATIENCE_SECONDS, Incoming, Job, Task, incoming
from worker.prepare.event import Event
from worker.record import Answer, Prepared, Timing

POLL_SECONDS = 0.01
"""How long a batch may fill: its default of 0.1 s is paid by every photo."""

REQUEST_PHOTOS = 8
"""As many as the model takes in one request (training.engines.config.MAX_BATCH)."""


class Handler:
    """Does the job for records inside FastStream's event loop: decoding goes to threads."""

    def __init__(self, task: Task) -> None:
        self._job = Job.open(task)
        self._client: Any = None
        self._url = task.triton

    async def connect(self) -> None:
        """Make the channel, inside the loop that will use it."""
        self._client = InferenceServerClient(self._url, channel_args=[("grpc.enable_http_proxy", 0)])

    async def __call__(self, messages: Sequence[Message]) -> list[KafkaResponse]:
        """The records to publish for these, which go to Triton in one request."""
        job, received, began = self._job, time.time(), time.monotonic()
        records = [incoming(message) for message in messages]
        prepared = await asyncio.gather(*(asyncio.to_thread(job.prepare, each) for each in records))
        decoded = time.monotonic()
        answer = await self._client.infer(
            MODEL,
            job.inputs([photo for _, photo in prepared]),
            outputs=job.outputs,
            client_timeout=PATIENCE_SECONDS,
        )
        answered = time.monotonic()

        def response(record: Incoming, event: Event, photo: Prepared, said: Answer) -> KafkaResponse:
            spent = Timing(
                queue_ms=max(0.0, received - record.at) * 1000,
                decode_ms=(decoded - began) * 1000,
                infer_ms=(answered - decoded) * 1000,
            )
            result = job.result(record, event, photo, said, spent)
            named = {name: value.decode() for name, value in result.headers}
            return KafkaResponse(result.value, key=result.key, headers=named)

        together = zip(records, prepared, job.answers(answer), strict=True)
        return [response(record, *both, said) for record, both, said in together]


def application(task: Task) -> FastStream:
    """The application for this task."""
    work = Handler(task)
    broker = KafkaBroker(task.bootstrap, log_level=logging.DEBUG, enable_idempotence=True)
    (_batch if task.mode == "batch" else _concurrent)(broker, task, work)
    made = FastStream(broker)
    made.on_startup(work.connect)
    return made


def _concurrent(broker: KafkaBroker, task: Task, work: Handler) -> None:
    subscriber: Callable[..., Any] = broker.subscriber(
        task.photos, group_id=task.group, auto_offset_reset="earliest", max_workers=task.in_flight
    )

    async def handle(_body: bytes, message: KafkaMessage) -> KafkaResponse:
        return (await work([message.raw_message]))[0]

    subscriber(broker.publisher(task.output)(handle))


def _batch(broker: KafkaBroker, task: Task, work: Handler) -> None:
    subscriber: Callable[..., Any] = broker.subscriber(
        task.photos,
        group_id=task.group,
        auto_offset_reset="earliest",
        batch=True,
        max_records=task.in_flight,
        polling_interval=POLL_SECONDS,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )

    publisher: Any = broker.publisher(task.output)

    async def handle(_bodies: list[bytes], message: KafkaMessage) -> None:
        records = message.raw_message
        parts = [records[first : first + REQUEST_PHOTOS] for first in range(0, len(records), REQUEST_PHOTOS)]
        answers = [each for part in await asyncio.gather(*map(work, parts)) for each in part]
        # In their order, and confirmed together: its batch publisher knows one set of headers for all.
        sent = [
            await publisher.publish(each.body, key=each.key, headers=each.headers, no_confirm=True)
            for each in answers
        ]
        await asyncio.gather(*sent)

    subscriber(handle)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(application(Task.given()).run())
