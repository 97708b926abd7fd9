"""One real Kafka broker (KRaft) as a child process."""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local import jars, jvm, ports, warm
from local.install import Meter, disk_errors, ensure_space, silent
from local.java import java
from local.kafka_log import explain
from local.leash import Leashed, launch
from local.properties import properties, render
from worker.errors import Refuse

READY_S = 60.0
GRACE_S = 20.0
META = "meta.properties"
"""The file that marks a formatted data folder."""

_NEEDS_MIB = 256
_POLL_S = 0.05
# Refused connections are what is expected here: nobody wants to read of them.
_MUTE = logging.Logger("librdkafka", logging.CRITICAL + 1)  # noqa: LOG001 - apart from the tree of loggers
_QUIET: dict[str, Any] = {"log_level": 0, "logger": _MUTE}


@dataclass(slots=True)
class Kafka:
    """A broker; start it with `Kafka.start`. The same ports and data serve every restart."""

    folder: Path
    data: Path
    port: int
    advertise: str
    _internal: int
    _controller: int
    _temporary: bool
    _java_options: list[str]
    _child: Leashed | None = field(default=None)

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int = 0,
        data: Path | None = None,
        advertise: str | None = None,
        meter: Meter = silent,
    ) -> Kafka:
        """Start a broker and wait until it answers.

        Args:
            folder: where its log file and settings go (made if missing).
            port: for clients, on loopback; 0 = a free one.
            data: the folder of its log, kept; None = a temporary one, removed by `close`.
            advertise: host:port that clients are told; default: where it listens.
            meter: told how far the first download is.

        Raises:
            Refuse: a download failed, a port is taken, the disk is full, Java or the broker does not start.
        """
        kafka = cls.launch(folder, port=port, data=data, advertise=advertise, meter=meter)
        try:
            kafka.wait()
        except BaseException:
            kafka.close()
            raise
        return kafka

    @classmethod
    def launch(
        cls,
        folder: Path,
        *,
        port: int = 0,
        data: Path | None = None,
        advertise: str | None = None,
        meter: Meter = silent,
    ) -> Kafka:
        """Start a broker as `start` does, but leave the waiting to `wait`."""
        fetch(meter)
        return cls.launch_fetched(
            folder, port=port, data=data, advertise=advertise, java_options=warm.option()
        )

    @classmethod
    def launch_fetched(
        cls,
        folder: Path,
        *,
        port: int = 0,
        data: Path | None = None,
        advertise: str | None = None,
        java_options: list[str],
    ) -> Kafka:
        """Start a broker as `launch` does, of what is there, with more options of Java."""
        clients = ports.choose(port, option="--kafka-port")
        with disk_errors(data or folder):
            folder.mkdir(parents=True, exist_ok=True)
            temporary = data is None
            if data is None:
                data = Path(tempfile.mkdtemp(prefix="kafka-", dir=folder))
            else:
                data = data.absolute()
                data.mkdir(parents=True, exist_ok=True)
                _ensure_unused(data)
            ensure_space(data, _NEEDS_MIB, "put the log on a larger disk with --data")
        kafka = cls(
            folder=folder,
            data=data,
            port=clients,
            advertise=advertise or f"{ports.LOOPBACK}:{clients}",
            _internal=ports.choose(0, option="--kafka-port"),
            _controller=ports.choose(0, option="--kafka-port"),
            _temporary=temporary,
            _java_options=java_options,
        )
        try:
            kafka._spawn()
        except BaseException:
            kafka.close()
            raise
        return kafka

    @property
    def bootstrap(self) -> str:
        """Where clients begin: host:port."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def internal(self) -> str:
        """The broker's own listener, host:port: never through the proxy that `advertise` may name."""
        return f"{ports.LOOPBACK}:{self._internal}"

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self.folder / "kafka.log"

    @property
    def pid(self) -> int:
        """The process id of java, also when it has ended."""
        return self._leashed.pid

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._child is not None and self._child.alive

    def wait(self, timeout: float = READY_S) -> None:
        """Wait until the broker answers a metadata request.

        Raises:
            Refuse: it ended, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not ports.accepts(self._internal):
            self._ensure_starting(deadline, timeout)
            time.sleep(_POLL_S)
        while not self._answers():
            self._ensure_starting(deadline, timeout)

    def stop(self, *, grace: float = GRACE_S) -> None:
        """End the broker in an orderly way; its data stay."""
        if self._child is not None:
            self._child.stop(grace=grace)

    def kill(self) -> None:
        """Kill the broker at once (SIGKILL), as a fault would; its data stay."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Start the ended broker again on the same port and data, and wait until it answers."""
        self.stop()
        self._spawn()
        self.wait()

    def close(self) -> None:
        """End the broker; a temporary log goes with it, so it need not be closed in an orderly way."""
        self.stop(grace=0.0 if self._temporary else GRACE_S)
        if self._temporary:
            shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _leashed(self) -> Leashed:
        if self._child is None:
            raise RuntimeError("the broker was never started")
        return self._child

    def _spawn(self) -> None:
        settings = self.folder / "kafka.properties"
        with disk_errors(self.data):
            settings.write_text(
                render(
                    properties(
                        data=self.data,
                        clients=self.port,
                        internal=self._internal,
                        controller=self._controller,
                        advertise=self.advertise,
                    )
                ),
                encoding="utf-8",
            )
            if not (self.data / META).exists():
                jvm.format_log(self.data, settings)
            command = [*jvm.command(self.folder), *self._java_options, "kafka.Kafka", str(settings)]
            self._child = launch("kafka", command, log=self.log)

    def _answers(self) -> bool:
        from confluent_kafka import KafkaException  # noqa: PLC0415 - 60 ms, only when a broker is started
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - likewise

        admin = AdminClient({"bootstrap.servers": self.internal} | _QUIET)
        try:
            return bool(admin.list_topics(timeout=2.0).brokers)
        except KafkaException:
            return False

    def _ensure_starting(self, deadline: float, timeout: float) -> None:
        if not self.alive:
            raise Refuse(f"Kafka did not start: {explain(self.log)}; its log is {self.log}.")
        if time.monotonic() > deadline:
            raise Refuse(
                f"Kafka was not ready after {timeout:.0f} s: free some memory or processors and try again; "
                f"its log is {self.log}."
            )


def fetch(meter: Meter = silent) -> None:
    """Fetch everything that a broker needs, if it is not there.

    Raises:
        Refuse: the download failed, a jar is not the locked one, or the disk is full.
    """
    java()
    jars.fetch(meter)
    warm.fetch(_train, meter)


def _train(folder: Path, java_option: str) -> None:
    """Let a throw-away broker do what brokers do, so that Java learns which classes that takes."""
    from confluent_kafka import Producer  # noqa: PLC0415 - 60 ms, only once

    from worker.clients import topics  # noqa: PLC0415 - likewise
    from worker.topics import PHOTOS  # noqa: PLC0415 - likewise

    with Kafka.launch_fetched(folder, java_options=[java_option]) as broker:
        broker.wait()
        topics.create(broker.internal, partitions=1)
        producer = Producer({"bootstrap.servers": broker.internal, "transactional.id": "warm"} | _QUIET)
        producer.init_transactions(READY_S)
        producer.begin_transaction()
        producer.produce(PHOTOS, b"")
        producer.commit_transaction(READY_S)
        del producer  # it would go on looking for the broker
        broker.stop(grace=READY_S)  # Java writes the cache when it ends


def _ensure_unused(data: Path) -> None:
    """Ask for the lock that a broker holds on its folder.

    Kafka asks for it too, but its controller does not wait for the answer: before a second one was refused
    it has made itself leader in the metadata log of the first, whose controller then answers nobody any more.

    Raises:
        Refuse: another broker holds it.
    """
    lock = data / ".lock"
    if not lock.exists():
        return
    with lock.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refuse(
                f"another broker uses this data folder, stop it or choose another with --data: {data}."
            ) from error
