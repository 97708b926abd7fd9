"""The load: photos sent when they are due, whatever became of those before. A process of its own.

    python -m bench.generator        its spec as JSON on standard input (`Spec`); ends with one line of JSON

Open loop: nothing that the measured side does moves a send. What the generator itself cannot keep, it
reports as its lag; a full local queue is lag too.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaException, Message, Producer

from bench import arrivals, child, mixes
from bench.child import Document, Parent
from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.errors import Refuse
from worker.finish.document import timestamp
from worker.prepare.event import PHOTO_TYPE, SPEC_VERSION
from worker.settings import KafkaSettings
from worker.topics import MAX_RECORD_BYTES

DELIVERY_SECONDS = 60
QUEUE_KIB = 65_536
_ROOM_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is to be sent: photos of the folder `photos` in turn, `rate` a second for so many `seconds`.

    Photo number n has the id `<run>-<n>`; `at_random` spreads photos over the partitions by the seed, else
    they go round. What is due in the first `warm_up` seconds does not count for the lag.
    """

    bootstrap: str
    topic: str
    partitions: int
    photos: str
    run: str
    rate: float
    seconds: float
    warm_up: float
    seed: int
    at_random: bool = False


def main(document: Document, parent: Parent) -> None:
    """Say ready, take the moment to start at (CLOCK_MONOTONIC, one clock for the machine), send, and report.

    Raises:
        Refuse: no broker answers, or it has not the topic.
    """
    spec = Spec(**document)
    sender = Sender(spec)
    parent.say("ready")
    order = parent.order()
    if order is None:
        return
    gc.collect()
    gc.disable()
    lags = sender.send(float(order["start"]), parent)
    counted = lags[sender.due[: len(lags)] >= spec.warm_up] * 1000
    parent.say(
        "result",
        sent=len(lags),
        acknowledged=sender.finish(),
        why=sender.why,
        lag_p99_ms=float(np.percentile(counted, 99)) if len(counted) else 0.0,
        lag_max_ms=float(counted.max()) if len(counted) else 0.0,
    )


class Sender:
    """A producer, and all that will be sent by it, drawn beforehand."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._photos = mixes.photos(Path(spec.photos))
        self.due = arrivals.intended(spec.rate, spec.seconds, spec.seed)
        seed = spec.seed if spec.at_random else None
        self._partitions = arrivals.partitions(len(self.due), spec.partitions, seed=seed).tolist()
        self._acknowledged = 0
        self.why = ""
        kafka = KafkaSettings(bootstrap=spec.bootstrap)
        try:
            self._producer = Producer(
                {
                    **client_config(kafka),
                    "enable.idempotence": True,
                    "acks": "all",
                    "linger.ms": 0,
                    "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
                    "message.max.bytes": MAX_RECORD_BYTES,
                    "queue.buffering.max.kbytes": QUEUE_KIB,
                }
            )
            topics = self._producer.list_topics(timeout=ANSWER_SECONDS).topics
        except KafkaException as exc:
            raise refuse(exc, kafka) from exc
        if spec.topic not in topics:
            raise Refuse(f"there is no topic {spec.topic}: create it with `pangaea topics create`.")

    def send(self, start: float, parent: Parent) -> npt.NDArray[np.float64]:
        """Send everything, or until told otherwise; return by how many seconds each was sent late."""
        lags = np.zeros(len(self.due))
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_specversion", SPEC_VERSION),
            ("ce_type", PHOTO_TYPE),
            ("ce_source", "pangaea-bench"),
            ("ce_time", timestamp(time.time())),
            ("content-type", "image/jpeg"),
        ]
        for number, due in enumerate((self.due + start).tolist()):
            # Any order, and the end of the parent, means: no more.
            if parent.changed.wait(max(0.0, due - time.monotonic())):
                return lags[:number]
            self._produce(number, [*headers, ("ce_id", f"{self._spec.run}-{number}")])
            lags[number] = time.monotonic() - due
            self._producer.poll(0)
        return lags

    def finish(self) -> int:
        """Wait until the broker has answered for every photo; return how many it took."""
        self._producer.flush(DELIVERY_SECONDS)
        return self._acknowledged

    def _produce(self, number: int, headers: list[tuple[str, str | bytes | None]]) -> None:
        """Hand one photo over; a full local queue is waited for, and the wait is lag."""
        while True:
            try:
                self._producer.produce(
                    self._spec.topic,
                    value=self._photos[number % len(self._photos)],
                    headers=headers,
                    partition=self._partitions[number],
                    on_delivery=self._answered,
                )
            except BufferError:
                self._producer.poll(_ROOM_SECONDS)
            else:
                return

    def _answered(self, error: Any, _message: Message) -> None:  # noqa: ANN401 - the stub's own type
        if error is None:
            self._acknowledged += 1
        else:
            self.why = self.why or str(error)


if __name__ == "__main__":
    child.run(main, punctual=True)
