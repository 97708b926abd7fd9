"""A steady stream of photos from a thread: each has an id of its own, and is sent when it is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Message, Producer

from tests.faults.ledger import Place, Sent

Headers = list[tuple[str, str | bytes | None]]


def _event(photo_id: str) -> Headers:
    return [
        ("ce_specversion", "1.0"),
        ("ce_type", "pangaea.photo.v1"),
        ("ce_id", photo_id),
        ("ce_source", "tests/faults"),
        ("ce_time", "2026-11-21T09:00:00Z"),
        ("content-type", "image/jpeg"),
    ]


class Load:
    """Sends photos round robin over the partitions, `rate` a second, while its `with` block lasts.

    Open loop: a photo is due at a fixed moment, whatever became of those before it. What the broker has
    acknowledged is put into `ledger`; leaving the block waits for the last acknowledgement. `total`: so many
    are sent and no more, however long the block lasts.
    """

    def __init__(
        self,
        bootstrap: str,
        photos: Sequence[bytes],
        ledger: list[Sent],
        *,
        rate: float,
        partitions: int,
        name: str,
        total: int | None = None,
        clock_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._photos = photos
        self._ledger = ledger
        self._rate = rate
        self._partitions = partitions
        self._name = name
        self._total = total
        self._clock_ms = clock_ms
        self._over = threading.Event()
        self.refused: list[str] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 0,
                "message.max.bytes": 20_000_000,
                # Longer than any outage of a trial: a photo is sent once or the trial says so.
                "delivery.timeout.ms": 120_000,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._send, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._total is None:
            self._over.set()
        self._thread.join()
        left = self._producer.flush(120)
        assert left == 0, f"{left} photos were never acknowledged"
        assert not self.refused, f"the broker took {len(self.refused)} photos not: {self.refused[0]}"

    def _send(self) -> None:
        due, number = time.monotonic(), 0
        while number != self._total and not self._over.wait(max(0.0, due - time.monotonic())):
            self._produce(number, due)
            self._producer.poll(0)
            number += 1
            due += 1 / self._rate

    def _produce(self, number: int, due: float) -> None:
        """Hand one photo over; a full queue is waited for."""
        photo_id = f"{self._name}-{number}"
        while True:
            try:
                self._producer.produce(
                    "photos",
                    value=self._photos[number % len(self._photos)],
                    headers=_event(photo_id),
                    partition=number % self._partitions,
                    timestamp=self._clock_ms(),
                    on_delivery=self._acknowledged(photo_id, due),
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _acknowledged(self, photo_id: str, due: float) -> Callable[[Any, Message], None]:
        def note(error: Any, message: Message) -> None:
            if error is not None:
                self.refused.append(str(error))
                return
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            self._ledger.append(Sent(Place(partition, offset), photo_id, due))

        return note
