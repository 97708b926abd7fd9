"""The embedded stack: a real Kafka and a real Triton, started together and stopped together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local import engines, kafka, kafka_log, triton_environment, triton_log
from local.install import Meter, silent
from local.kafka import META, Kafka
from local.runs import Run, open_run
from local.triton import Triton
from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a stack is to be; ports 0 = free ones.

    `data` keeps Kafka's log, `models` is a Triton repository (default: the CPU engines, built if need be),
    `advertise` is the host:port that Kafka's clients are told, `partitions` those of the topics that are
    created (None: no topics; with kept data they stay as they are).
    """

    kafka_port: int = 0
    triton_port: int = 0
    metrics_port: int = 0
    data: Path | None = None
    models: Path | None = None
    advertise: str | None = None
    triton: bool = True
    partitions: int | None = 6


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack; `Stack.start` makes one, leaving the `with` block ends it."""

    run: Run
    broker: Kafka
    server: Triton | None

    @classmethod
    def start(cls, options: Options | None = None, *, meter: Meter = silent) -> Stack:
        """Fetch what is missing, start both at once and wait until both are ready and the topics exist.

        Raises:
            Refuse: one sentence with the mend; whatever had started is stopped again.
        """
        options = options or Options()
        models = fetch(options, meter)
        kept = options.data is not None and (options.data / META).exists()
        run = open_run()
        with contextlib.ExitStack() as undo:
            undo.callback(run.close)
            server = None
            if models is not None:
                server = Triton.launch(
                    run.folder, models, port=options.triton_port, metrics_port=options.metrics_port
                )
                undo.callback(server.close)
            broker = Kafka.launch(
                run.folder, port=options.kafka_port, data=options.data, advertise=options.advertise
            )
            undo.callback(broker.close)
            if server is not None:
                server.wait()
            broker.wait()
            if options.partitions is not None:
                from worker.clients import topics  # noqa: PLC0415 - Kafka's client takes 60 ms to load

                topics.create(broker.internal, partitions=None if kept else options.partitions)
            undo.pop_all()
        return cls(run, broker, server)

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap address, host:port."""
        return self.broker.bootstrap

    @property
    def triton(self) -> str:
        """Triton's gRPC address, host:port.

        Raises:
            Refuse: the stack was started without Triton.
        """
        return self._server.url

    @property
    def metrics(self) -> str:
        """Triton's metrics address, host:port, path /metrics.

        Raises:
            Refuse: the stack was started without Triton.
        """
        return self._server.metrics

    @property
    def logs(self) -> Path:
        """The folder with the log files of both."""
        return self.run.folder

    def check(self) -> None:
        """Raise when a part has ended by itself.

        Raises:
            Refuse: naming the part, the reason from its log and where that is.
        """
        parts: list[tuple[str, Kafka | Triton, Callable[[Path], str]]] = [
            ("Kafka", self.broker, kafka_log.explain)
        ]
        if self.server is not None:
            parts.append(("Triton", self.server, triton_log.explain))
        for name, part, explain_log in parts:
            if not part.alive:
                raise Refuse(f"{name} ended by itself: {explain_log(part.log)}; its log is {part.log}.")

    def close(self) -> None:
        """Stop Triton, then Kafka."""
        try:
            if self.server is not None:
                self.server.close()
        finally:
            self.broker.close()
            self.run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _server(self) -> Triton:
        if self.server is None:
            raise Refuse("this stack was started without Triton: leave out --no-triton.")
        return self.server


def fetch(options: Options, meter: Meter = silent) -> Path | None:
    """Everything that this stack needs, fetched in parallel if it is not there; the models' folder, if any.

    Raises:
        Refuse: the first failure, in one sentence with the mend.
    """
    models = options.models
    built: list[Path] = []
    parts: list[Callable[[], object]] = [lambda: kafka.fetch(meter)]
    if options.triton:
        parts.append(lambda: triton_environment.fetch(meter))
        if models is None:
            parts.append(lambda: built.append(engines.build(meter)))
    together(parts)
    if not options.triton:
        return None
    return models or built[0]


def together(parts: list[Callable[[], object]]) -> None:
    """Run the parts at once; raise the first failure as soon as it happens."""
    failures: list[BaseException] = []
    changed = threading.Semaphore(0)

    def guarded(part: Callable[[], object]) -> None:
        try:
            part()
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread below
            failures.append(error)
        changed.release()

    # Daemons: an interrupted or failed start does not wait for downloads; what they leave half-made is
    # thrown away by the next start.
    for part in parts:
        threading.Thread(target=guarded, args=(part,), daemon=True).start()
    for _ in parts:
        changed.acquire()
        if failures:
            raise failures[0]
