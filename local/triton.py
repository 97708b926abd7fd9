"""A real Triton server as a child process, from an environment of its own."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from local import ports, triton_environment
from local.install import Meter, disk_errors, silent
from local.leash import Leashed, launch
from local.triton_log import explain
from worker.errors import Refuse

READY_S = 120.0
GRACE_S = 6.0
_POLL_S = 0.05
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - POSIX shared memory lives there, by glibc's choice


@dataclass(slots=True)
class Triton:
    """A server; start it with `Triton.start`. The same ports and models serve every restart."""

    folder: Path
    models: Path
    port: int
    metrics_port: int
    _environment: triton_environment.Environment
    _region: str = ""
    _child: Leashed | None = field(default=None)

    @classmethod
    def start(
        cls,
        folder: Path,
        models: Path,
        *,
        port: int = 0,
        metrics_port: int = 0,
        meter: Meter = silent,
    ) -> Triton:
        """Start a server and wait until all its models are ready.

        Args:
            folder: where its log file goes (made if missing).
            models: the model repository.
            port: gRPC, on loopback; 0 = a free one.
            metrics_port: Prometheus metrics over HTTP, on loopback; 0 = a free one.
            meter: told how far the first download is.

        Raises:
            Refuse: this machine cannot run it, a download failed, a port is taken, a model does not load.
        """
        triton = cls.launch(folder, models, port=port, metrics_port=metrics_port, meter=meter)
        try:
            triton.wait()
        except BaseException:
            triton.close()
            raise
        return triton

    @classmethod
    def launch(
        cls,
        folder: Path,
        models: Path,
        *,
        port: int = 0,
        metrics_port: int = 0,
        meter: Meter = silent,
    ) -> Triton:
        """Start a server as `start` does, but leave the waiting to `wait`."""
        environment = triton_environment.fetch(meter)
        if not any(models.glob("*/config.pbtxt")):
            raise Refuse(
                f"{models} holds no Triton model: make one with `pangaea models build --target cpu`."
            )
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        triton = cls(
            folder=folder,
            models=models.absolute(),
            port=ports.choose(port, option="--triton-port"),
            metrics_port=ports.choose(metrics_port, option="--metrics-port"),
            _environment=environment,
        )
        triton._spawn()
        return triton

    @property
    def url(self) -> str:
        """The gRPC service: host:port."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def metrics(self) -> str:
        """The metrics service: host:port, path /metrics."""
        return f"{ports.LOOPBACK}:{self.metrics_port}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "triton.log"

    @property
    def pid(self) -> int:
        """The process id of tritonserver, also when it has ended."""
        if self._child is None:
            raise RuntimeError("the server was never started")
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._child is not None and self._child.alive

    def wait(self, timeout: float = READY_S) -> None:
        """Wait until the server and every model say that they are ready.

        Raises:
            Refuse: it ended (a model did not load, say), or is not ready after `timeout` seconds.
        """
        from tritonclient.grpc import (  # noqa: PLC0415 - 0.3 s, only when a server is started
            InferenceServerClient,
            InferenceServerException,
        )

        deadline = time.monotonic() + timeout
        while not ports.accepts(self.port):
            self._ensure_starting(deadline, timeout)
            time.sleep(_POLL_S)
        client = InferenceServerClient(self.url)
        try:
            while True:
                self._ensure_starting(deadline, timeout)
                try:
                    if client.is_server_ready(client_timeout=2.0):
                        return
                except InferenceServerException:
                    pass  # it accepts before it answers
                time.sleep(_POLL_S)
        finally:
            client.close()

    def stop(self, *, grace: float = GRACE_S) -> None:
        """End the server in an orderly way: requests under way are answered first."""
        if self._child is not None:
            self._child.stop(grace=grace)

    def kill(self) -> None:
        """Kill the server and its model processes at once (SIGKILL), as a fault would."""
        self.stop(grace=0.0)

    def restart(self) -> None:
        """Start the ended server again on the same ports, and wait until it is ready."""
        self.stop()
        self._spawn()
        self.wait()

    def close(self) -> None:
        """End the server; nobody waits for it any more, so at once (its orderly end takes 3 s)."""
        self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spawn(self) -> None:
        # A new name each time: what removes a killed server's regions must not meet its successor's.
        self._region = f"pangaea-{uuid.uuid4().hex[:12]}-"
        command = [
            str(self._environment.server),
            f"--model-repository={self.models}",
            f"--backend-directory={self._environment.backends}",
            f"--backend-config=python,shm-region-prefix-name={self._region}",
            "--allow-http=false",
            f"--http-address={ports.LOOPBACK}",
            f"--grpc-address={ports.LOOPBACK}",
            f"--grpc-port={self.port}",
            f"--metrics-address={ports.LOOPBACK}",
            f"--metrics-port={self.metrics_port}",
            "--allow-gpu-metrics=false",
            "--exit-timeout-secs=5",
            "--disable-auto-complete-config",
        ]
        variables = self._environment.variables(dict(os.environ))
        region = _SHARED_MEMORY / self._region  # a killed server leaves it behind
        self._child = launch("triton", command, log=self.log, env=variables, sweep=region)

    def _ensure_starting(self, deadline: float, timeout: float) -> None:
        if not self.alive:
            raise Refuse(f"Triton did not start: {explain(self.log)}; its log is {self.log}.")
        if time.monotonic() > deadline:
            raise Refuse(
                f"Triton was not ready after {timeout:.0f} s: free some memory or processors and try again; "
                f"its log is {self.log}."
            )
