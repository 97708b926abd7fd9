"""Quix Streams: one photo after another through a StreamingDataFrame.

Modes are its `processing_guarantee`: `at-least-once` with the commit interval of five seconds that it has by
itself, and `exactly-once`, in which a result is not seen before its transaction is committed: there the
interval is short. It works on one photo at a time, and by its documentation on more by more processes in the
group: here by two.
"""

from __future__ import annotations

import tempfile
from typing import Any, Literal, cast

from quixstreams import Application, message_context

from bench.peers.job import Incoming, Job, Result, Task
from worker.record import Source

COMMIT_SECONDS = {"at-least-once": 5.0, "exactly-once": 0.05}


def run(task: Task, state: str) -> None:
    """Work until SIGTERM, which the framework takes."""
    job = Job.open(task)
    application = Application(
        broker_address=task.bootstrap,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        processing_guarantee=cast("Literal['at-least-once', 'exactly-once']", task.mode),
        commit_interval=COMMIT_SECONDS[task.mode],
        consumer_poll_timeout=0.05,
        auto_create_topics=False,
        state_dir=state,
        loglevel="WARNING",
    )
    photos = application.topic(task.photos, value_deserializer="bytes")
    output = application.topic(task.output, value_serializer="bytes")

    def work(value: bytes, key: bytes | None, timestamp: int, headers: list[tuple[str, bytes]]) -> Result:
        place = message_context()
        source = Source(place.topic, place.partition, place.offset)
        return job(Incoming(source, key, value, headers or [], timestamp / 1000))

    def headers_of(result: Result, *_: Any) -> list[tuple[str, bytes]]:  # noqa: ANN401 - key, time, headers
        return result.headers

    frame = application.dataframe(photos).apply(work, metadata=True).set_headers(headers_of)
    frame.apply(lambda result: result.value).to_topic(output)
    application.run()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(Task.given(), folder)
