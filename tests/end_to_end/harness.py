"""A real worker as a child process, a publisher of anything, and an independent reader of all outputs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from worker.topics import FEED_SLUGS, REJECTED, feed

OUTPUTS = (*(feed(slug) for slug in FEED_SLUGS), REJECTED)
Headers = list[tuple[str, str | bytes | None]]


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Look again and again until the condition holds; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Worker:
    """`pangaea run` as a child process; its log goes to a file.

    `module` is what Python runs in place of the front door: one that changes something and then enters it.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        arguments: Iterable[str] = (),
        *,
        module: str = "pangaea",
    ) -> None:
        self.port = free_port()
        self.log = log
        self._handle = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "run", *arguments],
            env={**os.environ, "PANGAEA_SERVE__PORT": str(self.port), **environment},
            stdout=self._handle,
            stderr=self._handle,
        )

    def ask(self, path: str) -> tuple[int, str]:
        """Ask the health server; status 0 while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()
        except OSError:
            return 0, ""

    def ready(self, seconds: float = 60) -> Worker:
        """Wait until it says that it is ready."""

        def answered() -> bool:
            assert self.process.poll() is None, f"the worker ended: {self.said()[-2000:]}"
            return self.ask("/ready")[0] == 200

        wait_until(answered, seconds, f"a ready worker; its log ends: {self.said()[-2000:]}")
        return self

    def metric(self, name: str) -> float:
        """The sum over labels of a metric, 0.0 where it has no sample yet."""
        return self.metrics(name)[0]

    def metrics(self, *names: str) -> tuple[float, ...]:
        """What `metric` says of each, all of one moment."""
        lines = self.ask("/metrics")[1].splitlines()
        return tuple(
            sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)
            for name in names
        )

    def said(self) -> str:
        """Everything that it logged."""
        return self.log.read_text(errors="replace")

    def events(self) -> list[dict[str, Any]]:
        """Its log as records; every line must be JSON."""
        return [json.loads(line) for line in self.said().splitlines()]

    def ended(self, seconds: float = 60) -> int:
        """Wait for it to end by itself and return its exit code."""
        self.process.wait(seconds)
        return self.stop()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Signal it and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._handle.close()
        return code


class Peaks:
    """The highest that each gauge of a worker was seen at that has a limit, and that limit; until closed."""

    def __init__(self, worker: Worker) -> None:
        self.highest: dict[str, float] = {}
        self.limits: dict[str, float] = {}
        self._worker = worker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            lines = [line.split(" ") for line in self._worker.ask("/metrics")[1].splitlines()]
            values = {line[0].removeprefix("pangaea_"): float(line[1]) for line in lines if len(line) == 2}
            for name, value in values.items():
                if f"{name}_limit" in values:
                    self.limits[name] = values[f"{name}_limit"]
                    self.highest[name] = max(value, self.highest.get(name, 0.0))

    def close(self) -> dict[str, float]:
        """Stop watching; return what was seen above its limit, and by how much."""
        self._over.set()
        self._thread.join()
        over = {name: high - self.limits[name] for name, high in self.highest.items()}
        return {name: by for name, by in over.items() if by > 0}


@dataclass(frozen=True, slots=True)
class Seen:
    """One output record as a reader saw it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: dict[str, str]
    raw: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON value."""
        value: dict[str, Any] = json.loads(self.raw)
        return value

    @property
    def source(self) -> tuple[str, int, int]:
        """Which photo it is about."""
        source = self.document["source"]
        return source["topic"], source["partition"], source["offset"]


class Reader:
    """Reads every output topic from where it ended when the reader was made."""

    def __init__(self, bootstrap: str, *, isolation: str = "read_committed") -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "never-committed",
                "enable.auto.commit": False,
                "isolation.level": isolation,
                "fetch.min.bytes": 1,
            }
        )
        topics = self._consumer.list_topics(timeout=10).topics
        places = [TopicPartition(name, number) for name in OUTPUTS for number in topics[name].partitions]
        for place in places:
            wait_until(partial(self._ends_now, place), 20, f"a leader of {place}")
        self._consumer.assign(places)
        self.seen: list[Seen] = []

    def _ends_now(self, place: TopicPartition) -> bool:
        """Start at the end of this partition; False while it has no leader, as just after its creation."""
        try:
            ends = self._consumer.get_watermark_offsets(place, timeout=10)
        except KafkaException:
            return False
        assert ends is not None
        place.offset = ends[1]
        return True

    def until(self, count: int, seconds: float = 60) -> list[Seen]:
        """Read until so many records were seen in all."""
        deadline = time.monotonic() + seconds
        while len(self.seen) < count:
            self._poll(0.2)
            assert time.monotonic() < deadline, f"{len(self.seen)} of {count} records came in {seconds} s"
        return self.seen

    def idle(self, seconds: float = 0.5) -> list[Seen]:
        """Read until nothing comes for so long: nothing more than was expected."""
        while self._poll(seconds):
            pass
        return self.seen

    def _poll(self, seconds: float) -> bool:
        message = self._consumer.poll(seconds)
        if message is None:
            return False
        assert message.error() is None, message.error()
        self.seen.append(_seen(message))
        return True

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()


def _seen(message: Message) -> Seen:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    value, key = message.value(), message.key()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    assert value is not None
    headers = {
        name: text.decode() if isinstance(text, bytes) else str(text) for name, text in _pairs(message)
    }
    return Seen(topic, partition, offset, key, headers, value)


def _pairs(message: Message) -> list[tuple[str, str | bytes | None]]:
    return list(message.headers() or [])  # type: ignore[arg-type] # the stub admits a dict, the C code makes none


def send(
    bootstrap: str,
    value: bytes | None,
    *,
    headers: Headers | None = None,
    key: bytes | None = None,
    partition: int | None = None,
    timestamp: int = 0,
) -> tuple[str, int, int]:
    """Produce one record to `photos` as it is, and return where it lies."""
    return send_all(bootstrap, [(value, headers)], key=key, partition=partition, timestamp=timestamp)[0]


def send_all(
    bootstrap: str,
    items: Iterable[tuple[bytes | None, Headers | None]],
    *,
    key: bytes | None = None,
    partition: int | None = None,
    timestamp: int = 0,
) -> list[tuple[str, int, int]]:
    """Produce records in order and return where each lies."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.max.bytes": 20_000_000}
    )
    places: dict[int, tuple[str, int, int]] = {}

    def delivered(index: int) -> Callable[[Any, Message], None]:
        def note(error: Any, message: Message) -> None:
            assert error is None, error
            topic, number, offset = message.topic(), message.partition(), message.offset()
            assert topic is not None
            assert number is not None
            assert offset is not None
            places[index] = (topic, number, offset)

        return note

    count = 0
    for index, (value, headers) in enumerate(items):
        producer.produce(
            "photos",
            value=value,
            key=key,
            headers=list(headers or []),
            timestamp=timestamp,
            on_delivery=delivered(index),
            # −1 leaves the choice to the key.
            partition=-1 if partition is None else partition,
        )
        producer.poll(0)
        count += 1
    assert producer.flush(30) == 0
    return [places[index] for index in range(count)]


def event(photo_id: str, **extra: str) -> Headers:
    """The headers of a CloudEvent in Kafka's binary mode."""
    return [
        ("ce_specversion", "1.0"),
        ("ce_type", "pangaea.photo.v1"),
        ("ce_id", photo_id),
        ("ce_source", "tests"),
        ("ce_time", "2026-11-21T09:00:00Z"),
        ("content-type", "image/jpeg"),
        *((name, value) for name, value in extra.items()),
    ]
