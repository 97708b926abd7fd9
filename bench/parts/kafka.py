"""Kafka alone: photos in, photos out, and the worker's transactions at the pace at which it would need them.

What a transaction costs hardly depends on how many photos are in it, and there is at most one every 20 ms:
the more photos there are a second, the smaller is a photo's share of it. So the loop runs at a pace, about
that of the ceiling that it is a part of, which a first trial settles; its figure is true for that pace.

It reads a backlog. A photo that is fetched alone as it comes costs more, and that is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from bench.accounts import Parties
from bench.mixes import photos
from bench.parts.child import Samples, Spec, answer
from bench.parts.member import POLL_SECONDS, Member, Reader
from bench.parts.names import CONSUME, KAFKA, PRODUCE
from bench.parts.patience import Patience
from bench.parts.record import result
from bench.parts.sample import Sample, Watch
from bench.parts.topics import scratch
from worker.clients.publish import Publisher
from worker.edges.producer import Output
from worker.record import Source
from worker.settings import KafkaSettings, load

WARM_SECONDS = 0.5
LOOK_SECONDS = 0.002
"""How soon a photo that is due and not there yet is looked for again."""

MOST_BYTES = 256 * 1024 * 1024
"""What the photos of a measurement take of the broker's disk at most; large ones are fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What the transactional loop is run with: `lead` photos before it is measured, `count` while it is."""

    kafka: KafkaSettings
    parties: Parties
    lead: int
    count: int
    result: Output


def measure(spec: Spec) -> Samples:
    """Measure producing and consuming at full speed, and transactions at a pace.

    The spec has `kafka` (host:port), `pids` (the broker's), `partitions`, `mix` (its folder), `cores`,
    `others_ms` (what the other parts take of them, a photo), `seconds` and `repetitions`.
    """
    settings, run = load(), time.time_ns()
    kafka = settings.kafka.model_copy(
        update={"bootstrap": spec["kafka"], "photos_topic": f"bench.photos.{run}", "start": "earliest"}
    )
    made = replace(result(settings), topic=f"bench.results.{run}")
    parties, repetitions = {"broker": spec["pids"]}, range(spec["repetitions"])
    most = spec["cores"] * 1000 / spec["others_ms"]
    with scratch(kafka, [kafka.photos_topic, made.topic], spec["partitions"]):
        lead, count, backlog = _sizes(photos(Path(spec["mix"])), kafka, most, spec["seconds"])
        step = -(-len(backlog) // len(repetitions))
        produced = [_produced(kafka, backlog[step * n : step * (n + 1)], parties) for n in repetitions]
        consumed = [_consumed(kafka, len(backlog), parties) for _ in repetitions]
        loop = Loop(kafka=kafka, parties=parties, lead=lead, count=count, result=made)
        trial = _transacted(loop, most)
        own_ms = sum(trial.cpu_seconds.values()) * 1000 / trial.photos
        pace = spec["cores"] * 1000 / (spec["others_ms"] + own_ms)
        return {
            PRODUCE: produced,
            CONSUME: consumed,
            KAFKA: [_transacted(loop, pace) for _ in repetitions],
        }


def _sizes(
    mix: Sequence[bytes], kafka: KafkaSettings, pace: float, seconds: float
) -> tuple[int, int, list[bytes]]:
    """How many photos the loop begins with, how many it is measured with, and what is laid before it.

    The client reads ahead. So that it still does at the last photo, there are more than are measured.
    """
    mean = sum(map(len, mix)) / len(mix)
    lead = max(1, round(pace * WARM_SECONDS))
    count = max(1, round(min(pace * seconds, MOST_BYTES / mean - lead)))
    ahead = round(2 * kafka.prefetch_kib * 1024 / mean)
    return lead, count, list(islice(cycle(mix), lead + count + ahead))


def _produced(kafka: KafkaSettings, backlog: Sequence[bytes], parties: Parties) -> Sample:
    with Publisher(kafka) as publisher:
        # One before the clock runs: connecting, and finding the leaders of a topic that has just been made.
        publisher.send(backlog[0])
        publisher.flush()
        watch = Watch("generator", parties)
        for photo in backlog:
            publisher.send(photo)
        publisher.flush()
        return watch.sample(len(backlog))


def _consumed(kafka: KafkaSettings, count: int, parties: Parties) -> Sample:
    reader = Reader(kafka, _name())
    try:
        taken = int(reader.joined() is not None)
        watch, patience = Watch("worker", parties), Patience()
        while taken < count:
            taken += patience.seen(reader.take(POLL_SECONDS))
        return watch.sample(count)
    finally:
        reader.close()


def _transacted(loop: Loop, pace: float) -> Sample:
    """Take a photo when it is due, and no sooner; measured from the one after the lead to the last."""

    def of(source: Source) -> Output:
        return replace(loop.result, partition=source.partition)

    with Member.opened(loop.kafka, _name(), of) as member:
        patience = Patience()
        while not patience.seen(member.take()):
            member.work(time.monotonic() + LOOK_SECONDS)
        begun, taken, watch = time.monotonic(), 1, Watch("worker", loop.parties)
        while taken < loop.lead + loop.count:
            due = begun + taken / pace
            if time.monotonic() >= due and patience.seen(member.take()):
                taken += 1
                if taken == loop.lead:
                    watch = Watch("worker", loop.parties)
            else:
                member.work(max(due, time.monotonic() + LOOK_SECONDS))
        return watch.sample(loop.count)


def _name() -> str:
    """Of a group that reads from the beginning."""
    return f"bench-limit-{time.time_ns()}"


if __name__ == "__main__":
    answer(measure)
