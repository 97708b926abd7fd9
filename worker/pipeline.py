"""The straight path: poll → prepare → infer → finish → publish → commit.

One thread, the caller's, owns the consumer, the ordering and the decision what is committed; nothing of them
is shared. Photos are worked on beside it (`workshop`), transactions end beside it (`producer`); both report
through one queue.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from worker import account
from worker.backpressure import Backpressure
from worker.edges.consumer import EndOfPartition, PhotoSource, Record, Start
from worker.edges.health import Health
from worker.edges.kafka_errors import ClientDead
from worker.edges.logs import Logger
from worker.edges.metrics import Metrics
from worker.edges.producer import Verdict
from worker.edges.succession import Succession, Told
from worker.errors import Refuse, Retry
from worker.intake import intake
from worker.ordering import Ordering, Prefix, Ticket
from worker.outputs import output
from worker.path import Path
from worker.record import Moment, Outcome, Partition
from worker.settings import Settings
from worker.watchdog import Watchdog
from worker.workshop import Workshop

IDLE_SECONDS = 0.5
"""How long a poll waits when nothing is in flight: the longest that a stop goes unnoticed."""

BUSY_SECONDS = 0.005
"""How long the loop waits for an outcome before it looks for new photos."""

START_SECONDS = 0.1
"""How long a stop may go unnoticed while the producer is being registered."""

ABORT_SECONDS, LONGEST_ABORT_SECONDS, MOST_ABORTS = 0.02, 5.0, 10
"""The first pause after an abort, the longest, and how many in a row are taken for a client that is ill."""


class Finished(NamedTuple):
    """An outcome from the workshop."""

    ticket: Ticket
    outcome: Outcome


class Transaction(NamedTuple):
    """What was handed to the committing thread, and when (on the steady clock)."""

    prefixes: tuple[Prefix, ...]
    opened: float


class Pipeline:
    """One worker between two Kafka clients, for as long as these live.

    Raises (from `run`):
        ClientDead: consumer and producer are to be rebuilt; nothing is lost, what was open is aborted.
        Refuse: going on would be wrong.
    """

    def __init__(
        self,
        settings: Settings,
        path: Path,
        *,
        health: Health,
        metrics: Metrics,
        logger: Logger,
        transactional_id: str,
        stopping: Callable[[], bool],
        rebuilt: Callable[[str], None],
        beginnings: dict[Partition, int],
        workshop: Workshop,
    ) -> None:
        self._settings = settings
        self._path = path
        self._health = health
        # Until the broker is there and the producer has its name.
        health.parts["kafka"] = False
        self._metrics = metrics
        self._logger = logger
        self._stopping = stopping
        self._workshop = workshop
        self._ordering = Ordering()
        # Not a SimpleQueue: a signal can make its get() with a timeout wait for ever (CPython 3.11).
        self._news: queue.Queue[Finished | Told] = queue.Queue()
        self._open: Transaction | None = None
        self._last_commit = float("-inf")
        self._aborts = 0
        self._pressure = Backpressure(settings.limit)
        self._closing = False
        self._rewinds: set[Partition] = set()
        self._watchdog = Watchdog(transaction_seconds=settings.kafka.transaction_timeout_ms / 1000)
        self._rebuilt = rebuilt
        self._restart = False
        self._publisher = Succession(settings.kafka, transactional_id, self._news.put)
        self._source = PhotoSource(settings.kafka, self, client_id=transactional_id, beginnings=beginnings)

    # --- the path -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until `stopping`, then drain, commit and leave the group."""
        try:
            self._register()
            while not self._stopping():
                self._poll()
                self._collect(self._patience())
                self._publish()
                self._observe()
            self._logger.info("draining", in_flight=self._ordering.count)
            self._drain(self._ordering.partitions)
            self._logger.info("drained", left=self._ordering.count)
        finally:
            self._close()

    def _register(self) -> None:
        """Wait for the producer's name: only then does nobody else hold a transaction of that name open."""
        self._publisher.open()
        deadline = time.monotonic() + self._settings.life.start_patience_ms / 1000
        while not self._stopping() and not self._publisher.registered:
            if time.monotonic() > deadline:
                raise Retry("Kafka did not open transactions in time")
            self._collect(START_SECONDS)
            self._health.progress()

    def _poll(self) -> None:
        """Take what there is room for, and start on it."""
        if self._rewinds or self._restart:
            # A rebalance that is already waiting goes first: it may take away what would be rewound.
            self._accept(0.0)
        if self._restart:
            self._source.restart()
            self._restart = False
        for home in tuple(self._rewinds):
            self._source.rewind(home, self._ordering.committed(home))
            self._rewinds.discard(home)
        if not self._room():
            self._hold()
            return
        if self._pressure.freed():
            self._source.resume()
            self._logger.info("fetching_resumed")
        seconds = 0.0 if self._busy() else IDLE_SECONDS
        # What is to be read again is not read on: that would throw the whole backlog away.
        while self._room() and self._accept(seconds) and self._anchored() and not self._rewinds:
            seconds = 0.0

    def _accept(self, seconds: float) -> bool:
        """Take one item from Kafka, waiting so long for it; False when there was none."""
        try:
            item = self._source.poll(seconds)
        except ClientDead:
            raise
        except Retry as retry:
            self._logger.warning("kafka", said=str(retry))
            return False
        if isinstance(item, EndOfPartition):
            # Before a rewind the end is that of what will be read again.
            if item.partition not in self._rewinds:
                self._ordering.reached_end(item.partition, item.offset)
        elif item is not None:
            self._take(item)
        return item is not None

    def _take(self, record: Record) -> None:
        if record.source.home in self._rewinds or not self._anchored():
            # Fetched before the rewind that is about to happen: taking it would skip what lies before it.
            return
        photo, rejection, absurd = intake(
            record, now=_now(), limit=self._settings.limit, deadline=self._settings.deadline
        )
        # A reference may become as large as a photo may be.
        size = self._settings.limit.photo_bytes if photo.dataref else len(photo.payload)
        ticket = self._ordering.admit(photo.source, size=size)
        if ticket is None:
            return
        self._metrics.consumed.inc()
        self._metrics.absurd_timestamps.inc(absurd)
        if rejection is not None:
            self._ordering.file(ticket, rejection)
        else:
            self._workshop.start(ticket, partial(self._path.outcome, photo), self._finished)

    def _finished(self, ticket: Ticket, outcome: Outcome) -> None:
        """Called on the workshop's thread: the queue is the only thing that both sides touch."""
        self._news.put(Finished(ticket, outcome))

    def _collect(self, seconds: float) -> None:
        """File the outcomes and verdicts that have come in; wait so long for the first."""
        try:
            news = self._news.get(timeout=seconds) if seconds > 0 else self._news.get_nowait()
            while True:
                if isinstance(news, Told):
                    self._heard(news)
                else:
                    # Of an old epoch: dropped here, and counted when its lane was closed.
                    self._ordering.file(news.ticket, news.outcome)
                news = self._news.get_nowait()
        except queue.Empty:
            return

    def _publish(self) -> None:
        """Open a transaction for what is finished, unless one is open or the last has only just ended."""
        if not self._anchored() or self._open is not None or not self._ordering.ready():
            return
        if time.monotonic() < self._last_commit + self._settings.kafka.commit_interval_ms / 1000:
            return
        now = _now()
        prefixes = self._ordering.take()
        outputs = [
            output(outcome, self._path.recipe, now=now, budget_ms=self._settings.deadline.budget_ms)
            for prefix in prefixes
            for outcome in prefix.outcomes
        ]
        offsets = {prefix.partition: prefix.next_offset for prefix in prefixes}
        self._open = Transaction(prefixes, opened=now.steady)
        metadata = self._source.group_metadata()
        try:
            self._publisher.publish(outputs, offsets, metadata)
        except ClientDead as dead:
            self._renew(str(dead))

    def _heard(self, told: Told) -> None:
        """The producer says that it is registered, how its transaction ended, or that it is finished."""
        verdict = self._publisher.heard(told)
        if verdict is None:
            return
        if verdict.kind == "refused":
            raise Refuse(verdict.why)
        if verdict.kind == "registered":
            self._restart = True
        elif verdict.kind == "fatal":
            self._metrics.transactions.labels(end="fatal").inc()
            self._renew(f"Kafka's producer is finished: {verdict.why}")
        else:
            self._settle(verdict)

    def _settle(self, verdict: Verdict) -> None:
        """A transaction has ended: let go of what it held, or read it again."""
        ended, self._open = self._open, None
        if ended is None:
            raise ClientDead("a transaction ended that was not open")
        self._last_commit = verdict.ended
        self._metrics.transactions.labels(end=verdict.kind).inc()
        if verdict.kind == "aborted":
            self._void(ended, "aborted")
            self._aborted(verdict, ended)
            return
        self._aborts = 0
        self._metrics.transaction_seconds.observe(time.monotonic() - ended.opened)
        for prefix in ended.prefixes:
            self._ordering.acknowledge(prefix)
            account.published(self._metrics, prefix, at=ended.opened)

    def _aborted(self, verdict: Verdict, ended: Transaction) -> None:
        """Read again what was in it, after a pause that grows while nothing but aborts comes back."""
        self._aborts += 1
        self._logger.warning("transaction_aborted", why=verdict.why, in_a_row=self._aborts)
        if self._aborts >= MOST_ABORTS:
            raise ClientDead(f"{self._aborts} transactions in a row were aborted: {verdict.why}")
        self._last_commit = verdict.ended + min(ABORT_SECONDS * 2**self._aborts, LONGEST_ABORT_SECONDS)
        self._again([prefix.partition for prefix in ended.prefixes])

    def _again(self, partitions: Sequence[Partition]) -> None:
        """Drop the epoch of these partitions, to be read again from what is committed.

        The reading itself waits for the next poll: this may run inside a rebalance callback.
        """
        for home in partitions:
            if home in self._ordering:
                self._workshop.clear(home)
                self._count_dropped(home, "aborted")
                self._ordering.rewind(home)
                self._rewinds.add(home)

    def _renew(self, why: str) -> None:
        """Build a new producer, and read every lane again from what the broker says is committed.

        What this process believes does not count: the last commit may have arrived although no answer did.
        The new producer's registration settles that, so until then nothing is taken and nothing published.
        The consumer goes on: a new one would wait until the group has missed the old one.
        """
        self._rebuilt(why)
        ended, self._open = self._open, None
        if ended is not None:
            self._void(ended, "aborted")
        self._drop(self._ordering.partitions, "aborted")
        self._publisher.renew()
        self._restart, self._aborts = False, 0

    def _anchored(self) -> bool:
        """Whether it is settled where to read on: the producer has its name, and all is read from there."""
        return self._publisher.registered and not self._restart

    # --- bounds ---------------------------------------------------------------------------------------

    def _room(self) -> bool:
        return self._pressure.room(count=self._ordering.count, size=self._ordering.size)

    def _hold(self) -> None:
        """No room: not taking is the back-pressure; after a while, pause and keep the group served."""
        if self._pressure.blocked(time.monotonic()):
            self._source.pause()
            self._logger.info("fetching_paused", in_flight=self._ordering.count)
        if self._pressure.paused:
            self._accept(0.0)

    def _patience(self) -> float:
        """Return how long to wait for news, in seconds: not at all when idle, for the poll has waited."""
        return BUSY_SECONDS if self._busy() else 0.0

    def _busy(self) -> bool:
        return bool(self._ordering.count or self._open or self._ordering.ready() or not self._anchored())

    # --- the assignment -------------------------------------------------------------------------------

    def assigned(self, starts: Mapping[Partition, Start]) -> None:
        """Open a lane for each partition; a group's very first offsets are committed before anything else."""
        self._drop([home for home in starts if home in self._ordering], "overtaken")
        for home, start in starts.items():
            self._ordering.assign(home, start.offset, fresh=start.fresh)
        self._changed("assigned", tuple(starts))

    def revoking(self, partitions: Sequence[Partition]) -> None:
        """Finish and commit what can be finished within the budget; drop the rest, for its next owner."""
        if not self._closing:
            self._drain(partitions)
        self._drop(partitions, "closed" if self._closing else "revoked")
        self._changed("revoked", partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Drop everything: a transaction that holds some of it will be refused by its group metadata."""
        self._drop(partitions, "lost")
        self._changed("lost", partitions)

    def connected(self, *, up: bool) -> None:
        """Kafka is there, or is not."""
        self._watchdog.connected(up=up, now=time.monotonic())
        self._metrics.up.labels(part="kafka").set(up)

    def waiting(self) -> None:
        """A callback waits for the broker."""
        self._health.progress()

    def lost_to_retention(self, count: int) -> None:
        """Photos that nobody read are gone, as the operator accepts."""
        self._metrics.lost.inc(count)
        self._logger.warning("photos_lost_to_retention", count=count)

    def prefetched(self, records: int, size: int) -> None:
        """What the consumer holds ahead."""
        self._metrics.prefetched.set(records)
        self._metrics.prefetched_bytes.set(size)

    def _drain(self, partitions: Sequence[Partition]) -> None:
        deadline = time.monotonic() + self._settings.life.drain_ms / 1000
        while time.monotonic() < deadline:
            if self._open is None and all(self._ordering.idle(home) for home in partitions):
                return
            self._collect(BUSY_SECONDS)
            self._publish()
            self._health.progress()

    def _drop(self, partitions: Sequence[Partition], reason: str) -> None:
        for home in partitions:
            self._count_dropped(home, reason)
            self._ordering.drop(home)
            self._rewinds.discard(home)
            self._workshop.clear(home)

    def _changed(self, kind: str, partitions: Sequence[Partition]) -> None:
        self._metrics.rebalances.labels(kind=kind).inc()
        self._metrics.assigned.set(len(self._ordering.partitions))
        self._logger.info("partitions", change=kind, numbers=sorted(home.number for home in partitions))

    # --- the account ----------------------------------------------------------------------------------

    def _observe(self) -> None:
        self._health.progress()
        account.hold(
            self._metrics,
            self._ordering,
            now=time.time(),
            queued=self._publisher.queued,
            paused=self._pressure.paused,
        )
        self._health.parts["kafka"] = self._watchdog.up is True and self._publisher.registered
        now = time.monotonic()
        if self._watchdog.away(now):
            raise ClientDead("no broker has answered for long: they may have moved")
        if self._watchdog.stuck(now, since=self._publisher.busy_since):
            self._renew("a transaction did not end although a broker is up")
        elif self._watchdog.unheard(now, since=self._publisher.registering_since):
            self._renew("transactions were not opened although a broker is up")

    def _close(self) -> None:
        self._closing = True
        for home in self._ordering.partitions:
            self._workshop.clear(home)
        try:
            self._publisher.close()
        finally:
            self._source.close()
            if self._open is not None:
                self._void(self._open, "closed")
                self._open = None
            self._drop(self._ordering.partitions, "closed")
            account.hold(self._metrics, self._ordering, now=time.time(), queued=0, paused=False)

    def _count_dropped(self, home: Partition, reason: str) -> None:
        """Count a lane's photos that leave without a record; an open transaction's may have one yet."""
        taken = [prefix for prefix in self._open.prefixes if prefix.partition == home] if self._open else []
        undecided = sum(len(prefix.outcomes) for prefix in taken if self._ordering.current(prefix))
        self._metrics.dropped.labels(reason=reason).inc(self._ordering.depth(home) - undecided)

    def _void(self, ended: Transaction, reason: str) -> None:
        """Count the photos of a transaction that came to nothing, where their lane has gone before it."""
        gone = [prefix for prefix in ended.prefixes if not self._ordering.current(prefix)]
        self._metrics.dropped.labels(reason=reason).inc(sum(len(prefix.outcomes) for prefix in gone))


def _now() -> Moment:
    return Moment(wall=time.time(), steady=time.monotonic())
