"""Rejected photos, by reference, back into `photos`: once each, and counted.

A rejection names where its photo lies. The photo is read again from there and produced anew into the same
partition with the same key, headers and bytes; its copy carries `pangaea-replayed-from`, the place of the
first of its records. Two things keep a second run from doing it twice: how far each reason has been replayed
is committed together with the copies (`replay_ledger`), and a copy that was rejected again is not replayed
any more, so nothing goes round in circles.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import orjson
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from worker.clients.reading import Log, places, reader, tolerate
from worker.clients.replay_ledger import (
    GROUP,
    MARK,
    Batch,
    Copier,
    Positions,
    headers_of,
    positions,
    progress,
)
from worker.errors import Refuse
from worker.record import Partition, RejectReason, Source
from worker.settings import KafkaSettings
from worker.topics import REJECTED

REASONS: tuple[RejectReason, ...] = get_args(RejectReason)
FETCH_SECONDS = 10.0
TO_THE_END = {"enable.partition.eof": True, "fetch.wait.max.ms": 10}
"""An end is told only when a fetch comes back empty: the broker is not to hold it back for half a second."""
ONE_PHOTO = {**TO_THE_END, "auto.offset.reset": "error", "queued.max.messages.kbytes": 1_024}
"""One photo is wanted at a time: little is fetched ahead of it."""
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Fate = Literal["replayed", "gone", "skipped"]


class Rejected(NamedTuple):
    """One line of `photos.rejected`: where it lies itself, why, and where its photo lies."""

    home: Partition
    offset: int
    reason: str
    source: Source


@dataclass(slots=True)
class Tally:
    """By reason: photos replayed, gone (retention has eaten them) and skipped (copies already)."""

    counts: dict[Fate, Counter[str]] = field(
        default_factory=lambda: {fate: Counter() for fate in get_args(Fate)}
    )

    def add(self, fate: Fate, reason: str) -> None:
        """Count one photo."""
        self.counts[fate][reason] += 1

    def total(self, fate: Fate) -> int:
        """How many photos met this fate."""
        return self.counts[fate].total()

    def document(self) -> dict[str, dict[str, int]]:
        """As JSON: {"replayed": {reason: count}, "gone": …, "skipped": …}."""
        return {fate: dict(sorted(counter.items())) for fate, counter in self.counts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to replay.

    `since` in seconds since the epoch; `again` goes over what was replayed before, copies included;
    `dry_run` counts and changes nothing.
    """

    reasons: tuple[str, ...] = REASONS
    since: float | None = None
    limit: int | None = None
    again: bool = False
    dry_run: bool = False


def moment(text: str, *, now: float) -> float:
    """Read a point in time, seconds since the epoch: an age (90s, 30m, 2h, 1d) or RFC 3339 (UTC if unsaid).

    >>> moment("2h", now=10_000.0), moment("1970-01-01T01:00:00+01:00", now=0.0)
    (2800.0, 0.0)

    Raises:
        Refuse: it is neither (exit code 2).
    """
    age = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if age is not None:
        return now - float(age[1]) * UNITS[age[2]]
    try:
        when = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Refuse(
            "--since wants an age such as 30m, 2h or 1d, or a time such as 2026-11-21T09:00:00Z.", exit_code=2
        ) from exc
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def replay(kafka: KafkaSettings, wish: Wish) -> Tally:
    """Replay what was rejected up to now, and return what became of it.

    Raises:
        Refuse: no broker answers, a topic or a right is missing, a reason is unknown, or another replay took
            over; what is committed by then is counted there and not repeated.
    """
    unknown = set(wish.reasons) - set(REASONS)
    if unknown:
        raise Refuse(
            f"no photo is rejected for {', '.join(sorted(unknown))}: choose from {', '.join(REASONS)}.",
            exit_code=2,
        )
    rejected = Log(kafka, [REJECTED])
    Log(kafka, [kafka.photos_topic])
    tally = Tally()
    with reader(kafka, **{"group.id": GROUP, **TO_THE_END}) as rejections:
        # In this order: once the name is ours, no other run can move the positions any more.
        copier = None if wish.dry_run else Copier(kafka, rejections)
        known = positions(rejections, rejected.partitions, kafka)
        wanted = _wanted(rejections, rejected, kafka, wish, {} if wish.again else known)
        with reader(kafka, **ONE_PHOTO) as originals:
            batch = Batch()
            for each in _take(wanted, wish.limit):
                original = _original(originals, each.source, kafka)
                fate = _fate(original, wish)
                tally.add(fate, each.reason)
                batch.positions[each.home, each.reason] = each.offset + 1
                if original is not None and fate == "replayed":
                    batch.copies.append(original)
                    batch.size += len(original.value() or b"")
                if batch.full:
                    batch = _commit(copier, batch, known)
            _commit(copier, batch, known)
    return tally


def _take(rejections: Iterator[Rejected], limit: int | None) -> Iterator[Rejected]:
    for count, each in enumerate(rejections):
        if count == limit:
            return
        yield each


def _fate(original: Message | None, wish: Wish) -> Fate:
    if original is None:
        return "gone"
    if not wish.again and MARK in dict(headers_of(original)):
        return "skipped"
    return "replayed"


def _wanted(
    consumer: Consumer, log: Log, kafka: KafkaSettings, wish: Wish, known: Mapping[tuple[Partition, str], int]
) -> Iterator[Rejected]:
    """Yield the rejections to replay, partition by partition in their order, up to where they end now."""
    starts = log.earliest() if wish.since is None else log.since(wish.since)
    ends = log.ends()
    # Where every wished reason has been replayed already, there is nothing to read.
    starts = {
        home: max(offset, min(known.get((home, reason), 0) for reason in wish.reasons))
        for home, offset in starts.items()
    }
    for home, start in starts.items():
        for message in _between(consumer, home, start, ends[home], kafka):
            each = _rejected(message, home)
            if (
                each is not None
                and each.reason in wish.reasons
                and each.source.topic == kafka.photos_topic
                and each.offset >= known.get((home, each.reason), 0)
            ):
                yield each


def _between(
    consumer: Consumer, home: Partition, start: int, end: int, kafka: KafkaSettings
) -> Iterator[Message]:
    """Yield one partition's records from `start` until before `end`."""
    if start >= end:
        return
    consumer.assign(places({home: start}))
    patience = time.monotonic() + FETCH_SECONDS
    while time.monotonic() < patience:
        message = consumer.poll(0.5)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
                return
            tolerate(error, kafka)
            continue
        if (message.offset() or 0) >= end:
            return
        yield message
        patience = time.monotonic() + FETCH_SECONDS
    raise _stalled(home)


def _rejected(message: Message, home: Partition) -> Rejected | None:
    """Read one rejection; None where it is none of Pangaea's."""
    try:
        document = orjson.loads(message.value() or b"")
        place = document["source"]
        source = Source(str(place["topic"]), int(place["partition"]), int(place["offset"]))
        return Rejected(home, message.offset() or 0, str(document["reason"]), source)
    except (KeyError, TypeError, ValueError):
        return None


def _original(consumer: Consumer, source: Source, kafka: KafkaSettings) -> Message | None:
    """Read the record that lies at `source`; None where retention or a new topic has taken it away."""
    consumer.assign([TopicPartition(source.topic, source.partition, source.offset)])
    deadline = time.monotonic() + FETCH_SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is None:
            continue
        error = message.error()
        if error is None:
            return message if message.offset() == source.offset else None
        if error.code() in {
            KafkaError._PARTITION_EOF,  # noqa: SLF001 - librdkafka's own code
            KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - likewise
            KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - likewise
        }:
            return None
        tolerate(error, kafka)
    raise _stalled(source.home)


def _stalled(home: Partition) -> Refuse:
    return Refuse(
        f"{home.topic}/{home.number} cannot be read now: run the same command again when Kafka is well."
    )


def _commit(copier: Copier | None, batch: Batch, known: Positions) -> Batch:
    """Commit a batch, fold its progress into what is known, and return an empty one."""
    if copier is not None and batch.positions:
        for place, offset in batch.positions.items():
            known[place] = max(known.get(place, 0), offset)
        touched = {home for home, _ in batch.positions}
        copier.commit(batch, [progress(home, known) for home in sorted(touched)])
    return Batch()
