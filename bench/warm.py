"""A broker that has just started compiles its own code while it works: that is over before it is measured.

A record costs it 2.2 ms of CPU at first, most of it its compiler's, and 0.15 ms after three quarters of a
minute in which it is given records as fast as they go (2 cores, Kafka 4.2.1, Java 25).
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

from bench.parts.member import Member, Reader
from bench.parts.patience import Patience
from bench.parts.record import result
from bench.parts.topics import scratch
from bench.stand import Stand
from local.install import Meter, silent
from worker.clients.publish import Publisher
from worker.edges.producer import Output
from worker.record import Source
from worker.settings import load

SECONDS = 45.0
ROUND = 500
"""Records that are on their way at once."""

LOOK_SECONDS = 0.002
PAYLOAD = bytes(4_096)


def warm(stand: Stand, meter: Meter = silent, *, seconds: float = SECONDS) -> None:
    """Have the broker transact for so long; nothing where it is not ours.

    Raises:
        Refuse: it does not.
    """
    if "broker" not in stand.parties:
        return
    settings, run = load(), time.time_ns()
    photos, answers = f"bench.photos.{run}", f"bench.results.{run}"
    # Transaction after transaction: it is their number that counts.
    kafka = settings.kafka.model_copy(
        update={
            "bootstrap": stand.kafka,
            "photos_topic": photos,
            "start": "earliest",
            "commit_interval_ms": 1,
        }
    )
    made = replace(result(settings), topic=answers)

    def of(source: Source) -> Output:
        return replace(made, partition=source.partition)

    with ExitStack() as undo:
        undo.enter_context(scratch(kafka, [photos, answers], stand.partitions))
        publisher = undo.enter_context(Publisher(kafka))
        member = undo.enter_context(Member.opened(kafka, f"bench-warm-{run}", of))
        reader = Reader(kafka.model_copy(update={"photos_topic": answers}), f"bench-warm-reader-{run}")
        undo.callback(reader.close)
        began = time.monotonic()
        while (gone := time.monotonic() - began) < seconds:
            meter("warming the broker", int(gone), int(seconds))
            _round(publisher, member, reader)
    meter("warming the broker", 1, 1)


def _round(publisher: Publisher, member: Member, reader: Reader) -> None:
    """Send some records, answer them, and read the answers."""
    answered = 0
    for _ in range(ROUND):
        publisher.send(PAYLOAD)
        answered += member.take()
        member.work(time.monotonic())
        reader.take(0.0)
    publisher.flush()
    patience = Patience()
    while answered < ROUND or not member.idle:
        before = answered, member.idle
        answered += member.take()
        member.work(time.monotonic() + LOOK_SECONDS)
        reader.take(0.0)
        patience.seen((answered, member.idle) != before)
