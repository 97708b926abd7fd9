"""Two independent readers of every output topic: one sees what is committed, the other sees everything."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Literal

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from tests.faults.ledger import Audit, Place, Seen, Sent, audit

SLUGS = (
    "africa",
    "antarctica",
    "asia",
    "europe",
    "north-america",
    "oceania",
    "south-america",
    "undetermined",
)
OUTPUTS = (*(f"continent.{slug}" for slug in SLUGS), "photos.rejected")
ENDS_SECONDS = 30.0
Isolation = Literal["read_committed", "read_uncommitted"]


class Ledger:
    """What one reader has seen from these places on, in the order in which it saw it."""

    def __init__(self, bootstrap: str, isolation: Isolation, places: list[TopicPartition]) -> None:
        self.seen: list[Seen] = []
        self.failure: BaseException | None = None
        self._over = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"accountant-{isolation}",
                "enable.auto.commit": False,
                "isolation.level": isolation,
                "fetch.min.bytes": 1,
                "log_level": 0,
            }
        )
        self._consumer.assign(places)
        self._thread = threading.Thread(target=self._read, name=isolation, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        try:
            while not self._over.is_set():
                message = self._consumer.poll(0.1)
                # A broker that is away is what trials are about: only records count.
                if message is not None and message.error() is None:
                    self.seen.append(_seen(message, time.monotonic()))
        except BaseException as exc:  # noqa: BLE001 - shown by the accountant, on the test's own thread
            self.failure = exc


class Accountant:
    """Keeps both ledgers from the present ends of the topics on; `sent` is filled by the load."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.sent: list[Sent] = []
        places = ends(bootstrap, partitions)
        self._committed = Ledger(bootstrap, "read_committed", places)
        self._uncommitted = Ledger(bootstrap, "read_uncommitted", places)

    @property
    def committed(self) -> list[Seen]:
        """What a `read_committed` reader has had so far.

        Raises:
            AssertionError: a record could not be read: no account is better than a wrong one.
        """
        return self._checked(self._committed)

    @property
    def uncommitted(self) -> list[Seen]:
        """What a `read_uncommitted` reader has had so far; raises as `committed` does."""
        return self._checked(self._uncommitted)

    def audit(self) -> Audit:
        """Hold everything that came out against everything that was sent."""
        return audit(list(self.sent), list(self.committed), list(self.uncommitted))

    def missing(self) -> int:
        """How many sent photos have no committed record yet."""
        seen = {each.place for each in list(self.committed)}
        return sum(1 for each in list(self.sent) if each.place not in seen)

    def settle(self, seconds: float, quiet: float = 0.5) -> bool:
        """Wait until nothing is missing and nothing more comes for `quiet` seconds; False after `seconds`."""
        deadline = time.monotonic() + seconds
        complete = _until(lambda: self.missing() == 0, deadline)
        heard = -1
        while complete and heard != (now := len(self.committed) + len(self.uncommitted)):
            heard = now
            threading.Event().wait(quiet)
        return complete

    def silent(self, seconds: float, at_most: float) -> None:
        """Wait until no record comes for so many seconds: what is missing then does not come any more."""
        deadline, heard, since = time.monotonic() + at_most, -1, time.monotonic()
        while (now := time.monotonic()) < min(deadline, since + seconds):
            if heard != (count := len(self.committed)):
                heard, since = count, now
            time.sleep(0.05)

    def close(self) -> None:
        """Stop reading."""
        self._committed.close()
        self._uncommitted.close()

    @staticmethod
    def _checked(ledger: Ledger) -> list[Seen]:
        if ledger.failure is not None:
            raise AssertionError("a reader of the accountant has failed") from ledger.failure
        return ledger.seen


def ends(bootstrap: str, partitions: int) -> list[TopicPartition]:
    """Where each output partition ends now, for every reader alike."""
    asking = Consumer({"bootstrap.servers": bootstrap, "group.id": "accountant", "log_level": 0})
    try:
        return [_end(asking, topic, number) for topic in OUTPUTS for number in range(partitions)]
    finally:
        asking.close()


def _end(asking: Consumer, topic: str, number: int) -> TopicPartition:
    """Ask until the partition has a leader: a topic that was just made, or a broker that just came back."""
    deadline = time.monotonic() + ENDS_SECONDS
    while True:
        try:
            answer = asking.get_watermark_offsets(TopicPartition(topic, number), timeout=5)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        else:
            assert answer is not None
            return TopicPartition(topic, number, answer[1])


def _until(condition: Callable[[], bool], deadline: float) -> bool:
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _seen(message: Message, at: float) -> Seen:
    document = json.loads(message.value() or b"")
    source = document["source"]
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Seen(
        topic=topic,
        partition=partition,
        offset=offset,
        place=Place(source["partition"], source["offset"]),
        photo_id=document["photo_id"],
        reason=document["reason"],
        made=at - (time.time() - message.timestamp()[1] / 1000),
        at=at,
    )
