"""Photos into Kafka: files become CloudEvents, delivered or counted as not delivered, never silently lost.

A file's name never enters the record: it may say where, when or whom a photo shows.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from worker.clients.media import content_type_of
from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.errors import Refuse, Reject
from worker.finish.document import timestamp
from worker.prepare.event import PHOTO_TYPE, SPEC_VERSION, read
from worker.record import Source
from worker.settings import KafkaSettings, LimitSettings
from worker.topics import MAX_RECORD_BYTES

SOURCE = "pangaea-publish"
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"})
DELIVERY_SECONDS = 60
"""After so long without the broker's acknowledgement a photo counts as not delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What may accompany a photo as evidence, and the key under which it is ordered; None = not sent."""

    caption: str | None = None
    language: str | None = None
    timezone: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one photo: where it lies, or why it was not delivered (`error`)."""

    photo_id: str
    partition: int | None
    offset: int | None
    error: str | None = None


@dataclass(slots=True)
class Tally:
    """Photos so far."""

    delivered: int = 0
    failed: int = 0


class Publisher:
    """An idempotent producer of photo events, waiting for every in-sync replica.

    >>> Publisher(KafkaSettings(bootstrap="127.0.0.1:1")).tally
    Tally(delivered=0, failed=0)
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        limit: LimitSettings | None = None,
        report: Callable[[Receipt], None] = lambda _: None,
    ) -> None:
        """Set the producer up; nothing is sent and no broker asked yet.

        Args:
            kafka: the broker and the topic.
            limit: how large a photo may be.
            report: called once for each photo that was taken, from inside `send`, `wait` and `flush`.
        """
        self._kafka = kafka
        self._limit = (limit or LimitSettings()).photo_bytes
        self._report = report
        self.tally = Tally()
        config: dict[str, Any] = {
            **client_config(kafka),
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 2,
            "delivery.timeout.ms": DELIVERY_SECONDS * 1_000,
            "message.max.bytes": MAX_RECORD_BYTES,
            "queue.buffering.max.kbytes": 65_536,
            # Java's choice of partition, so that a key lands in the same place whoever sends it.
            "partitioner": "murmur2_random",
        }
        try:
            self._producer = Producer(config)
        except KafkaException as exc:
            raise refuse(exc, kafka) from exc

    def ensure_topic(self) -> None:
        """Make sure that broker and topic are there.

        Raises:
            Refuse: one of them is not.
        """
        try:
            # All topics are listed: to ask for one by name would let some brokers create it.
            topics = self._producer.list_topics(timeout=ANSWER_SECONDS).topics
        except KafkaException as exc:
            raise refuse(exc, self._kafka) from exc
        if self._kafka.photos_topic not in topics:
            raise Refuse(
                f"the broker at {self._kafka.bootstrap} has no topic {self._kafka.photos_topic}: "
                "create it with `pangaea topics create`."
            )

    def send(
        self,
        payload: bytes,
        *,
        metadata: Metadata | None = None,
        photo_id: str | None = None,
        content_type: str | None = None,
    ) -> str:
        """Hand one photo over and return its id; its receipt comes by `report` when the broker has answered.

        Args:
            payload: the image file's bytes.
            metadata: evidence and key.
            photo_id: default: a fresh random one.
            content_type: default: as the bytes say.

        Raises:
            Reject: the worker would reject this event unseen (too large, empty, metadata out of bounds).
        """
        self._check_size(len(payload))
        metadata = metadata or Metadata()
        photo_id = photo_id or str(uuid.uuid4())
        headers = _headers(photo_id, content_type or content_type_of(payload), metadata)
        read(Source(self._kafka.photos_topic, 0, 0), headers, value_bytes=len(payload))
        key = None if metadata.key is None else metadata.key.encode()
        while True:
            try:
                self._producer.produce(
                    self._kafka.photos_topic,
                    value=payload,
                    key=key,
                    headers=list(headers),
                    on_delivery=lambda error, message: self._settle(photo_id, error, message),
                )
                break
            except BufferError:
                # Full of photos that the broker has not acknowledged: wait for it, which is back-pressure.
                self._producer.poll(0.1)
        self._producer.poll(0)
        return photo_id

    def send_file(self, path: Path, *, metadata: Metadata | None = None, photo_id: str | None = None) -> str:
        """Hand the photo in a file over and return its id.

        Raises:
            Reject: as `send`.
            OSError: the file cannot be read.
        """
        # Looked at before it is read: nobody wants a film in memory to be told that it is too large.
        self._check_size(path.stat().st_size)
        payload = path.read_bytes()
        content_type = content_type_of(payload, name=path.name)
        return self.send(payload, metadata=metadata, photo_id=photo_id, content_type=content_type)

    def wait(self, until: float) -> None:
        """Serve receipts until the monotonic moment `until`."""
        while (left := until - time.monotonic()) > 0:
            self._producer.poll(min(left, 0.1))

    def flush(self) -> Tally:
        """Wait until every photo is delivered or has failed, and return the tally."""
        while len(self._producer):
            self._producer.flush(1.0)
        return self.tally

    def __enter__(self) -> Self:
        """Use as a context manager: leaving it delivers what was handed over."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Deliver the rest; after an error only what the broker takes at once."""
        if kind is None:
            self.flush()
        else:
            self._producer.flush(ANSWER_SECONDS)

    def _check_size(self, size: int) -> None:
        if not size:
            raise Reject("empty", "The file has no bytes.")
        if size > self._limit:
            raise Reject("too_large", f"It has {size} bytes, and a photo may have at most {self._limit}.")

    def _settle(self, photo_id: str, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.tally.delivered += 1
            receipt = Receipt(photo_id=photo_id, partition=message.partition(), offset=message.offset())
        else:
            self.tally.failed += 1
            receipt = Receipt(photo_id=photo_id, partition=None, offset=None, error=error.str())
        self._report(receipt)


def _headers(photo_id: str, content_type: str, metadata: Metadata) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, Kafka protocol binding, binary mode."""
    fields = {
        "ce_specversion": SPEC_VERSION,
        "ce_type": PHOTO_TYPE,
        "ce_id": photo_id,
        "ce_source": SOURCE,
        "ce_time": timestamp(time.time()),
        "content-type": content_type,
        "ce_captiontext": metadata.caption,
        "ce_languagetag": metadata.language,
        "ce_timezone": metadata.timezone,
    }
    return [(name, value.encode()) for name, value in fields.items() if value is not None]


def photos_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files to publish: each file as given, and from folders what looks like a photo, sorted.

    Hidden files and folders are left out: they are thumbnails and other tools' droppings.
    """
    return [file for path in paths for file in (_folder(path) if path.is_dir() else [path])]


def _folder(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield path


@dataclass(slots=True)
class Campaign:
    """One run of `pangaea publish`: files in, at a rate, with what goes wrong told and counted.

    `deliver` is told of each delivered photo and its file, `complain` of each that was not; `refused` counts
    those that never were handed over.
    """

    kafka: KafkaSettings
    deliver: Callable[[Path, Receipt], None]
    complain: Callable[[str], None]
    refused: int = 0
    _under_way: dict[str, Path] = field(default_factory=dict)

    def run(
        self,
        files: Sequence[Path],
        *,
        metadata: Callable[[Path], Metadata],
        rate: float | None = None,
        advance: Callable[[], None] = lambda: None,
    ) -> Tally:
        """Send each file once, `rate` a second (None: as fast as the broker takes them), and wait for all."""
        with Publisher(self.kafka, report=self._receive) as publisher:
            publisher.ensure_topic()
            start = time.monotonic()
            for index, file in enumerate(files):
                if rate is not None:
                    publisher.wait(start + index / rate)
                self._send(publisher, file, metadata(file))
                advance()
        return publisher.tally

    def _send(self, publisher: Publisher, file: Path, metadata: Metadata) -> None:
        photo_id = str(uuid.uuid4())
        self._under_way[photo_id] = file
        try:
            publisher.send_file(file, metadata=metadata, photo_id=photo_id)
        except (Reject, OSError) as error:
            del self._under_way[photo_id]
            self.refused += 1
            why = error.detail if isinstance(error, Reject) else f"{error.strerror or error}."
            self.complain(f"{file}: not sent: {why}")

    def _receive(self, receipt: Receipt) -> None:
        file = self._under_way.pop(receipt.photo_id)
        if receipt.error is None:
            self.deliver(file, receipt)
        else:
            self.complain(f"{file}: not delivered: {receipt.error}.")
