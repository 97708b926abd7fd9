"""Following the feeds: committed records only, a readable line a photo, or the JSON as it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from confluent_kafka import KafkaError, Message
from rich.console import Console

from worker.clients import table
from worker.clients.reading import Log, places, reader, tolerate
from worker.errors import Refuse
from worker.record import SLUGS
from worker.settings import KafkaSettings
from worker.topics import FEED_SLUGS, REJECTED, drift, feed

BATCH = 500
BATCH_SECONDS = 0.1
"""Records that come within so long are shown in the order of their times."""
PLAIN_WIDTH = 120
ALL = "all"


class Sink(Protocol):
    """What records are shown on."""

    def show(self, message: Message) -> None:
        """Show one record."""

    def flush(self) -> None:
        """Everything shown so far must be visible now."""


def topics_of(slugs: Sequence[str], *, rejected: bool, drifts: bool) -> list[str]:
    """Return the topics to read: the named feeds, or all eight where nothing is named.

    >>> topics_of(["asia"], rejected=True, drifts=False)
    ['continent.asia', 'photos.rejected']

    Raises:
        Refuse: a slug is not one of the eight (exit code 2).
    """
    unknown = [slug for slug in slugs if slug not in {*FEED_SLUGS, ALL}]
    if unknown:
        raise Refuse(
            f"no feed is called {', '.join(map(table.printable, unknown))}: choose from "
            f"{', '.join(FEED_SLUGS)}, or {ALL}.",
            exit_code=2,
        )
    chosen = FEED_SLUGS if ALL in slugs or not (slugs or rejected or drifts) else tuple(dict.fromkeys(slugs))
    alarms = [slug for slug in chosen or SLUGS if slug in SLUGS] if drifts else []
    return [*map(feed, chosen), *([REJECTED] if rejected else []), *map(drift, alarms)]


def follow(
    kafka: KafkaSettings,
    topics: Sequence[str],
    *,
    from_beginning: bool = False,
    count: int | None = None,
    idle_exit: float | None = None,
) -> Iterator[list[Message]]:
    """Yield records in batches, ordered by time within a batch; empty batches while there is nothing.

    Args:
        kafka: the broker.
        topics: what to read.
        from_beginning: everything that retention has left, not only what comes from now on.
        count: end after so many records.
        idle_exit: end after so many seconds without one.

    Raises:
        Refuse: no broker answers, a topic is missing, or the rights are.
    """
    log = Log(kafka, topics)
    offsets = log.earliest() if from_beginning else log.ends()
    with reader(kafka) as consumer:
        consumer.assign(places(offsets))
        last, left = time.monotonic(), count
        while left is None or left > 0:
            batch = []
            for message in consumer.consume(min(BATCH, left or BATCH), BATCH_SECONDS):
                error = message.error()
                if error is None:
                    batch.append(message)
                elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
                    tolerate(error, kafka)
            if batch:
                last = time.monotonic()
                left = None if left is None else left - len(batch)
            elif idle_exit is not None and time.monotonic() - last >= idle_exit:
                return
            yield sorted(batch, key=_moment)


def _moment(message: Message) -> float:
    return message.timestamp()[1] / 1000


@dataclass(slots=True)
class Json:
    """Each record's value, byte for byte, a line each."""

    def show(self, message: Message) -> None:
        """Write one value; a record without one is passed over."""
        value = message.value()
        if value is not None:
            sys.stdout.buffer.write(value + b"\n")

    def flush(self) -> None:
        """Let the next program in the pipe have it."""
        sys.stdout.buffer.flush()


class PipedConsole(Console):
    """A console that lets `tail` decide what a closed pipe means; rich would exit with code 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


@dataclass(slots=True)
class Table:
    """A row a record; on a terminal with colours, a header on every page and a line for every new day."""

    console: Console = field(default_factory=PipedConsole)
    _rows: int = 0
    _day: str = field(default="")

    def show(self, message: Message) -> None:
        """Print one row."""
        moment = _moment(message)
        terminal = self.console.is_terminal
        columns = table.Columns.fit(self.console.width if terminal else PLAIN_WIDTH)
        if terminal:
            self._head(moment, columns)
        try:
            line = table.row(orjson.loads(message.value() or b""), moment, None, columns)
        except (KeyError, TypeError, ValueError, AttributeError):
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            line = table.unreadable(place, columns)
        self.console.print(line, soft_wrap=True)

    def flush(self) -> None:
        """Rows are printed at once."""
        self.console.file.flush()

    def _head(self, moment: float, columns: table.Columns) -> None:
        day = time.strftime("%Y-%m-%d", time.localtime(moment))
        if day != self._day:
            self.console.print(table.date_line(moment, None, columns), soft_wrap=True)
            self._day = day
        if self._rows % max(10, self.console.height - 3) == 0:
            self.console.print(table.header(columns), soft_wrap=True)
        self._rows += 1


def tail(batches: Iterator[list[Message]], sink: Sink) -> None:
    """Show batch after batch; end quietly on Ctrl-C and when the reader of a pipe has gone."""
    try:
        for batch in batches:
            for message in batch:
                sink.show(message)
            sink.flush()
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Python flushes standard output once more at exit and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
