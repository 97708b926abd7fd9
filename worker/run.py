"""The composition root of `pangaea run`: makes the parts, starts them in order, stops them in order."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from worker.edges import broker, creation, health, instance, logs
from worker.edges.card import Card, load
from worker.edges.health import Health
from worker.edges.kafka_errors import ClientDead
from worker.edges.logs import Log
from worker.edges.metrics import Metrics
from worker.edges.payload import PayloadStore
from worker.edges.triton import Engine
from worker.errors import Refuse, Retry
from worker.opening import Qualified, qualify
from worker.path import Path
from worker.pipeline import Pipeline
from worker.prepare.evidence import tables
from worker.record import Partition
from worker.requests import Requests
from worker.settings import Settings
from worker.suspects import Suspects
from worker.workshop import Workshop

ASK_AGAIN_SECONDS = 0.5
WATCH_SECONDS = 1.0
MINUTE = 60.0
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
STOP_SECONDS = 25.0
"""What a stop may take beyond its drain: closing clients whose servers are away."""

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Stop:
    """Set by SIGTERM and SIGINT; a second one ends the process at once: the broker aborts what is open.

    So does the end of `patience` seconds after the first, or after a refusal, for a library's call that does
    not return. Signals are taken on a thread of their own: Python's handlers wait for such a call.
    """

    patience: float
    log: Log
    asked: bool = field(default=False)
    signalled: bool = field(default=False)
    refusal: Refuse | None = field(default=None)

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked

    def listen(self) -> None:
        """Take signals from here on."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        for number in SIGNALS:
            # Only so that the signal is caught: what is done is done by whoever reads the pipe.
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._listen, args=(reading,), name="signals", daemon=True).start()

    def refuse(self, refusal: Refuse) -> None:
        """Stop because going on would be wrong."""
        self.refusal = refusal
        self._ask()

    def _listen(self, reading: int) -> None:
        while number := os.read(reading, 1):
            if self.signalled:
                os._exit(128 + number[0])
            self.signalled = True
            self._ask()

    def _ask(self) -> None:
        if not self.asked:
            self.asked = True
            timer = threading.Timer(self.patience, _leave, (self.log, "stop_not_ended", self.patience))
            timer.daemon = True
            timer.start()


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain and leave.

    Raises:
        Refuse: the worker must not start or go on; the sentence names the mend.
    """
    metrics = Metrics()
    log = logs.configure(settings.log, metrics)
    stop = Stop(settings.life.drain_ms / 1000 + STOP_SECONDS, log)
    stop.listen()
    try:
        _run(settings, log, metrics, stop)
    finally:
        log.queue.close()
    if stop.refusal is not None:
        raise stop.refusal


def _run(settings: Settings, log: Log, metrics: Metrics, stop: Stop) -> None:
    office = Office(settings, log, metrics, Health(), stop)
    logger = log.logger
    with ExitStack() as stack:
        name = instance.claim(settings.instance, settings.kafka.group)
        stack.callback(name.release)
        address, stop_serving = health.serve(settings.serve, office.health, office.metrics)
        stack.callback(stop_serving)
        logger.info("starting", health=address, instance=name.name, group=settings.kafka.group)
        workshop = Workshop()
        stack.callback(workshop.close)
        decoders = stack.enter_context(ThreadPoolExecutor(settings.limit.decode_threads, "decode"))
        path = office.open(workshop, decoders, stack)
        if path is not None:
            # All that is there now stays: the collector need not look through it again while photos flow.
            gc.freeze()
            logger.info("ready", card=path.recipe.card_id, precision=path.recipe.precision)
            office.work(path, workshop, name.transactional_id)
    logger.info("stopped")


@dataclass(frozen=True, slots=True)
class Office:
    """What every part of the running worker shares: settings, log, metrics, health and the wish to stop."""

    settings: Settings
    log: Log
    metrics: Metrics
    health: Health
    stop: Stop

    def open(self, workshop: Workshop, decoders: Executor, stack: ExitStack) -> Path | None:
        """Wait for broker, topics and engine, see that they fit, and lay the path; None if stopped meanwhile.

        Raises:
            Refuse: something does not fit, or did not come in time.
        """
        settings, limit = self.settings, self.settings.limit
        self._show_limits()
        card = load(settings.card)
        if card.fusion:
            tables.load()
        self._patiently(self._topics)
        engine = workshop.call(_made(settings, card))
        stack.callback(lambda: workshop.call(engine.close()))
        qualified = self._patiently(lambda: workshop.call(self._qualify(engine, card)))
        if qualified is None:
            return None
        self.health.parts["card"] = self.health.parts["triton"] = True
        control = partial(engine.infer, [qualified.known], settings.triton.patience_ms / 1000)
        requests = Requests(
            engine,
            in_flight=settings.triton.in_flight,
            photos=settings.triton.photos_per_request,
            metrics=self.metrics,
        )
        stack.callback(lambda: workshop.call(requests.close()))
        stack.callback(workshop.background(self._watch(engine, card, control)).cancel)
        stack.callback(self._guard())
        payloads = PayloadStore(settings.payload, photo_bytes=limit.photo_bytes, metrics=self.metrics)
        stack.callback(payloads.close)
        return Path(
            settings=settings,
            recipe=qualified.recipe,
            target=card.target,
            payloads=payloads,
            decoders=decoders,
            requests=requests,
            suspects=Suspects(control),
            metrics=self.metrics,
            logger=self.log.logger,
        )

    def work(self, path: Path, workshop: Workshop, transactional_id: str) -> None:
        """Run pipelines, one after another: a fatal Kafka error ends its clients, not the process.

        Raises:
            Refuse: going on would be wrong, or the clients had to be rebuilt too often.
        """
        rebuilds: deque[float] = deque()
        # Where partitions begin that the group has never committed: decided once, by whichever clients.
        beginnings: dict[Partition, int] = {}

        def rebuilt(why: str) -> None:
            self._rebuilt(why, rebuilds, time.monotonic())

        while not self.stop():
            pipeline = Pipeline(
                self.settings,
                path,
                health=self.health,
                metrics=self.metrics,
                logger=self.log.logger,
                transactional_id=transactional_id,
                stopping=self.stop,
                rebuilt=rebuilt,
                beginnings=beginnings,
                workshop=workshop,
            )
            try:
                pipeline.run()
            except ClientDead as dead:
                rebuilt(str(dead))
            except Retry as retry:
                # Kafka does not open transactions for now: an outage, which is waited for however long it is.
                self.log.logger.warning("waiting", why=str(retry))
                time.sleep(ASK_AGAIN_SECONDS)

    def _rebuilt(self, why: str, rebuilds: deque[float], now: float) -> None:
        """Note a rebuild at `now`, in monotonic seconds, and refuse when there were too many in a minute."""
        rebuilds.append(now)
        while rebuilds[0] < now - MINUTE:
            rebuilds.popleft()
        self.metrics.rebuilds.inc()
        self.log.logger.warning("kafka_clients_rebuilt", why=why, in_the_last_minute=len(rebuilds))
        if len(rebuilds) > self.settings.life.rebuilds_per_minute:
            raise Refuse(
                f"Kafka's clients had to be rebuilt {len(rebuilds)} times in a minute, last because: {why}."
                " See that no other worker has the same PANGAEA_INSTANCE, and that the broker is well."
            )

    def _topics(self) -> None:
        """See that the topics are there; where some are not, create them if that is wanted."""
        kafka = self.settings.kafka
        try:
            broker.check(kafka)
        except broker.TopicsMissing:
            if not kafka.create_topics:
                raise
            created = creation.create(kafka.bootstrap, replication=creation.BROKERS_OWN, kafka=kafka)
            if created:
                self.log.logger.info("topics_created", names=created)
            broker.check(kafka)

    def _patiently(self, attempt: Callable[[], Answer]) -> Answer | None:
        """Try until it works, a stop is asked for (None), or patience ends.

        Raises:
            Refuse: what was waited for did not come in time.
        """
        deadline = time.monotonic() + self.settings.life.start_patience_ms / 1000
        said = ""
        while not self.stop():
            self.health.progress()
            try:
                return attempt()
            except Retry as retry:
                if str(retry) != said:
                    said = str(retry)
                    self.log.logger.warning("waiting", why=said)
                if time.monotonic() > deadline:
                    raise Refuse(f"{said}.") from retry
                time.sleep(ASK_AGAIN_SECONDS)
        return None

    async def _watch(self, engine: Engine, card: Card, control: Callable[[], Awaitable[object]]) -> None:
        """Ask Triton how it is, once a second: readiness must not wait for the next photo.

        A server that is there may still fail on everything: when it has failed on a photo it is asked for a
        known one, by `control`. One that comes back may be another: it is held against the card anew.
        """
        was_up = True
        while True:
            up = await engine.ready()
            try:
                if up and not was_up:
                    await self._qualify(engine, card)
                elif up and not engine.answered:
                    await control()
            except Retry:
                up = False
            except Refuse as refusal:
                self.stop.refuse(refusal)
                return
            if up is not was_up:
                self.log.logger.warning("triton", up=up)
            self.health.parts["triton"] = was_up = up
            self.metrics.up.labels(part="triton").set(up)
            await asyncio.sleep(WATCH_SECONDS)

    async def _qualify(self, engine: Engine, card: Card) -> Qualified:
        settings = self.settings
        return await qualify(engine, card, settings.card, triton=settings.triton, limit=settings.limit)

    def _guard(self) -> Callable[[], None]:
        """End the process when its loop makes no progress for as long as a member may be silent.

        The classic group protocol would take its partitions away then; under KIP-848 nobody does. Returns
        what ends the guard.
        """
        over = threading.Event()
        allowed = self.settings.kafka.max_poll_interval_ms / 1000

        def watch() -> None:
            while not over.wait(WATCH_SECONDS):
                if time.monotonic() - self.health.progressed > allowed:
                    _leave(self.log, "no_progress", allowed)

        threading.Thread(target=watch, name="guard", daemon=True).start()
        return over.set

    def _show_limits(self) -> None:
        settings, metrics = self.settings, self.metrics
        metrics.in_flight_limit.set(settings.limit.in_flight)
        metrics.in_flight_bytes_limit.set(settings.limit.in_flight_bytes)
        metrics.prefetched_bytes_limit.set(settings.kafka.prefetch_kib * 1024)
        metrics.engine_in_flight_limit.set(settings.triton.in_flight)
        metrics.decoding_limit.set(settings.limit.decode_threads)
        # Each of these holds photos in flight, and nothing else.
        for limit in (
            metrics.reorder_limit,
            metrics.producer_queue_limit,
            metrics.decode_queue_limit,
            metrics.suspects_limit,
        ):
            limit.set(settings.limit.in_flight)


def _leave(log: Log, why: str, seconds: float) -> None:
    """End the process at once; the broker aborts what is open, and a successor reads it again."""
    log.logger.error(why, seconds=seconds)
    log.queue.flush()
    os._exit(1)


async def _made(settings: Settings, card: Card) -> Engine:
    """Make the engine inside the loop that will use it."""
    return Engine(settings.triton, evidence=card.fusion is not None)
