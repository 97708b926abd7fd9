"""Transactional producers of one name, one after another: when one is finished the next takes over.

Only the last one's word counts. What an earlier one still says – its thread may hang in a call for long – is
about a transaction that its successor's registration has settled on the broker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from worker.edges.producer import Output, TransactionalPublisher, Verdict
from worker.record import Partition
from worker.settings import KafkaSettings


class Told(NamedTuple):
    """A verdict, and which producer gave it."""

    number: int
    verdict: Verdict


class Succession:
    """The producer of the moment, with the calls of one; `tell` is called on its committing thread.

    `registered`: it has the name, so nobody else has a transaction of that name open.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str, tell: Callable[[Told], None]) -> None:
        self._settings = settings
        self._transactional_id = transactional_id
        self._tell = tell
        self._number = 0
        self._publisher = self._made()
        self._opened: float | None = None
        self.registered = False

    def open(self) -> None:
        """Begin to register the name, and return."""
        self._opened = time.monotonic()
        self._publisher.open()

    def renew(self) -> None:
        """Let go of the producer and begin to register the next one; return at once."""
        self._publisher.retire()
        self._number += 1
        self._publisher = self._made()
        self.registered = False
        self.open()

    def heard(self, told: Told) -> Verdict | None:
        """Return what the producer of the moment has said; None for the word of an earlier one."""
        if told.number != self._number:
            return None
        self.registered = self.registered or told.verdict.kind == "registered"
        return told.verdict

    def publish(
        self,
        outputs: Sequence[Output],
        offsets: Mapping[Partition, int],
        group_metadata: Any,  # noqa: ANN401 - opaque by confluent-kafka's design
    ) -> None:
        """Run one transaction, as `TransactionalPublisher.publish` does."""
        self._publisher.publish(outputs, offsets, group_metadata)

    @property
    def registering_since(self) -> float | None:
        """The monotonic moment at which it began to register, None before and once it has."""
        return None if self.registered else self._opened

    @property
    def busy_since(self) -> float | None:
        """The monotonic moment at which the transaction under way was handed over, or None."""
        return self._publisher.busy_since

    @property
    def queued(self) -> int:
        """Records that the producer holds and has not delivered."""
        return self._publisher.queued

    def close(self) -> None:
        """End the producer of the moment."""
        self._publisher.close()

    def _made(self) -> TransactionalPublisher:
        number = self._number
        return TransactionalPublisher(
            self._settings, self._transactional_id, lambda verdict: self._tell(Told(number, verdict))
        )
