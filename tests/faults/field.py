"""The field that faults are let loose on: a stack, a link that can be cut, and trials with their account."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from local.stack import Options, Stack
from tests.end_to_end.harness import Worker, wait_until
from tests.faults.accountant import Accountant
from tests.faults.ledger import Audit, latencies, recovery
from tests.faults.load import Load
from tests.faults.proxy import Proxy

PARTITIONS = 6
FLOWS_SECONDS = 60.0
"""The longest that a trial waits for photos to flow again, before it is called a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One trial: its account, how long each recovery took, and what happened when (seconds of the trial)."""

    fault: str
    what: str
    repetitions: int
    audit: Audit
    recoveries: tuple[float, ...]
    limit: float | None
    seconds: float
    events: tuple[tuple[float, str], ...]
    latencies: tuple[tuple[float, float], ...]
    notes: Mapping[str, float]


@dataclass(slots=True)
class Field:
    """A running stack with the proxy that its clients are told of."""

    stack: Stack
    proxy: Proxy
    folder: Path
    photos: Sequence[bytes]
    settings: Mapping[str, str]
    raises: bool

    @classmethod
    @contextmanager
    def open(
        cls,
        folder: Path,
        photos: Sequence[bytes],
        *,
        models: Path | None = None,
        data: Path | None = None,
        settings: Mapping[str, str] | None = None,
        raises: bool = False,
    ) -> Iterator[Self]:
        """Start the stack; `settings` are the workers', `models` and `data` the stack's.

        `raises`: its engine fails on the last of the photos.
        """
        with ExitStack() as undo:
            proxy = Proxy()
            undo.callback(proxy.close)
            stack = undo.enter_context(
                Stack.start(Options(models=models, data=data, advertise=proxy.address, partitions=PARTITIONS))
            )
            proxy.lead_to(stack.broker.port)
            yield cls(stack, proxy, folder, photos, settings or {}, raises)

    @property
    def kafka(self) -> str:
        """The broker's address for those who keep the account: never through the proxy."""
        return self.stack.broker.internal


class Trial:
    """One fault on one field: photos flow, something breaks, and the account is made.

    Everything that came before is nothing to it: its ledgers begin at the present ends of the topics.
    """

    def __init__(
        self,
        where: Field,
        fault: str,
        *,
        rate: float,
        seed: int = 0,
        module: str = "pangaea",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.field = where
        self.fault = fault
        # What is run as worker where the fault does not say, and what every worker is told.
        self._module = module
        self._settings = settings or {}
        # A group of its own, that begins at the end: what an earlier trial left is nothing to this one.
        self.group = f"{fault}-{time.time_ns()}"
        self.random = random.Random(seed)  # noqa: S311 - instants of faults, no secrets
        self.rate = rate
        self.accountant = Accountant(where.kafka, PARTITIONS)
        self.workers: list[Worker] = []
        self.recoveries: list[float] = []
        self.notes: dict[str, float] = {}
        self._events: list[tuple[float, str]] = []
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for worker in self.workers:
                worker.stop(signal.SIGKILL)
        finally:
            self.accountant.close()

    def worker(
        self,
        name: str = "one",
        *,
        module: str | None = None,
        linked: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> Worker:
        """Start a worker of this name; `linked`: it reaches the broker through the proxy only."""
        kafka = self.field.proxy.address if linked else self.field.kafka
        environment = {
            "PANGAEA_INSTANCE": name,
            "PANGAEA_KAFKA__BOOTSTRAP": kafka,
            "PANGAEA_KAFKA__GROUP": self.group,
            "PANGAEA_KAFKA__START": "latest",
            "PANGAEA_TRITON__URL": self.field.stack.triton,
            **self.field.settings,
            **self._settings,
            **(settings or {}),
        }
        log = self.field.folder / f"{self.fault}-{len(self.workers)}.log"
        self.workers.append(Worker(environment, log, module=module or self._module))
        return self.workers[-1]

    def ready(
        self,
        name: str = "one",
        *,
        module: str | None = None,
        linked: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> Worker:
        """Start a worker as `worker` does and wait until it is ready and has partitions."""
        started = self.worker(name, module=module, linked=linked, settings=settings).ready()
        wait_until(lambda: started.metric("pangaea_partitions_assigned") > 0, FLOWS_SECONDS, "an assignment")
        # A first trial's group has committed nothing yet: what is sent before it has would not be its.
        wait_until(self._begun, FLOWS_SECONDS, "the committed start")
        return started

    def members(self) -> dict[str, int]:
        """How many partitions each member of the trial's group holds."""
        admin = AdminClient({"bootstrap.servers": self.field.kafka, "log_level": 0})
        found = admin.describe_consumer_groups([self.group])[self.group].result(60)
        return {each.member_id: len(each.assignment.topic_partitions) for each in found.members}

    def _begun(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self.field.kafka, "log_level": 0})
        asked = ConsumerGroupTopicPartitions(
            self.group, [TopicPartition("photos", number) for number in range(PARTITIONS)]
        )
        answer = admin.list_consumer_group_offsets([asked])[self.group].result(60)
        return all(each.offset >= 0 for each in answer.topic_partitions)

    def load(
        self,
        *,
        photos: Sequence[bytes] | None = None,
        total: int | None = None,
        clock_ms: Callable[[], int] = lambda: 0,
    ) -> Load:
        """A stream of the field's photos, or of others, at the trial's rate; `total`: so many and no more."""
        return Load(
            self.field.kafka,
            photos or self.field.photos,
            self.accountant.sent,
            rate=self.rate,
            partitions=PARTITIONS,
            name=f"{self.fault}-{time.monotonic_ns()}",
            total=total,
            clock_ms=clock_ms,
        )

    def note(self, what: str) -> float:
        """Put something into the timeline and return the moment."""
        now = time.monotonic()
        self._events.append((now - self._began, what))
        return now

    def flowing(self) -> None:
        """Wait until every partition publishes."""
        since = time.monotonic()
        self._flows(since)

    def recovered(self, since: float) -> None:
        """Wait until every partition publishes again and keep how long that took, from `since` on."""
        self._flows(since)
        took = recovery(list(self.accountant.committed), since, range(PARTITIONS))
        assert took is not None
        self.recoveries.append(took)
        self.note("flows again")

    def _flows(self, since: float) -> None:
        wait_until(
            lambda: recovery(list(self.accountant.committed), since, range(PARTITIONS)) is not None,
            FLOWS_SECONDS,
            f"photos to flow in every partition ({self.fault})",
        )

    def stop(self, seconds: float = 40) -> None:
        """Stop every worker that still runs, politely; each must end well."""
        for worker in self.workers:
            if worker.process.poll() is None:
                assert worker.stop(seconds=seconds) == 0, worker.said()[-2000:]

    def ended(self) -> None:
        """Wait until every photo has its record, stop the workers, and hear what they say at the last."""
        self.accountant.settle(FLOWS_SECONDS)
        self.notes["rejected without need"] = self._needless()
        self.stop()
        self.accountant.settle(1.0)

    def _needless(self) -> int:
        """Photos rejected for the engine or for their time, though it was not they that failed.

        The engine of the field `faulty` raises on the last of its photos, in turn.
        """
        period = len(self.field.photos)
        blamed = [each for each in self.accountant.committed if each.reason in {"engine_error", "deadline"}]
        return sum(
            not self.field.raises or int(each.photo_id.rsplit("-", 1)[1]) % period != period - 1
            for each in blamed
        )

    def away(self, worker: Worker) -> None:
        """Wait until the worker says that it is alive and not ready."""
        wait_until(lambda: worker.ask("/ready")[0] == 503, 30, "a worker that is not ready")
        assert worker.ask("/live")[0] == 200

    def result(self, what: str, repetitions: int, limit: float | None) -> Result:
        """Make the account."""
        return Result(
            fault=self.fault,
            what=what,
            repetitions=repetitions,
            audit=self.accountant.audit(),
            recoveries=tuple(self.recoveries),
            limit=limit,
            seconds=time.monotonic() - self._began,
            events=tuple(self._events),
            latencies=tuple(
                (due - self._began, latency)
                for due, latency in latencies(list(self.accountant.sent), list(self.accountant.committed))
            ),
            notes=dict(self.notes),
        )
