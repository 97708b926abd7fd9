"""Health over HTTP: /live, /ready and /metrics, for probes and Prometheus.

Alive means that the loop makes progress. Ready means that Kafka and Triton answer, the card fits the engine
and the golden photos came out right. A worker whose Triton is gone, or fails on everything, is alive and not
ready: restarting it would mend nothing.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from worker.edges.metrics import Metrics
from worker.errors import Refuse
from worker.settings import ServeSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

STALL_SECONDS = 30.0
"""A loop without progress for so long is stuck: its longest honest wait is a revoke's drain."""

IDLE_CONNECTION_SECONDS = 5
CONNECTIONS = 32


@dataclass(slots=True)
class Health:
    """What the parts report of themselves; read by the probes. Every write is one assignment."""

    parts: dict[str, bool] = field(default_factory=lambda: {"kafka": False, "triton": False, "card": False})
    progressed: float = field(default_factory=time.monotonic)

    def progress(self) -> None:
        """The loop went round."""
        self.progressed = time.monotonic()

    def alive(self, now: float) -> bool:
        """Whether the loop made progress lately; `now` is monotonic seconds."""
        return now - self.progressed < STALL_SECONDS

    def ready(self) -> bool:
        """Whether every part is up."""
        return all(self.parts.values())


Request = socket.socket | tuple[bytes, socket.socket]
Address = tuple[str, int]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(*arguments)  # type: ignore[arg-type] # the base class knows them

    def process_request(self, request: Request, client_address: Address) -> None:
        """Answer on a thread of its own while there are not too many; hang up otherwise."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Request, client_address: Address) -> None:
        """Answer, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Request, client_address: Address) -> None:
        """A client that went away or never spoke is no news, and no traceback."""


class _Handler(WSGIRequestHandler):
    timeout = IDLE_CONNECTION_SECONDS

    def log_message(self, *_: object) -> None:
        """Probes are no news."""


def serve(settings: ServeSettings, health: Health, metrics: Metrics) -> tuple[str, Callable[[], None]]:
    """Answer in the background; return the address as host:port, and what stops it.

    Raises:
        Refuse: the port is taken.
    """
    try:
        server = make_server(
            settings.host, settings.port, _application(health, metrics), _Server, handler_class=_Handler
        )
    except OSError as exc:
        raise Refuse(
            f"health cannot be served at {settings.host}:{settings.port} ({exc.strerror}): choose another"
            " PANGAEA_SERVE__PORT, or 0 for a free one."
        ) from exc
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return f"{settings.host}:{server.server_port}", stop


def _application(
    health: Health, metrics: Metrics
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    prometheus = make_wsgi_app(metrics.registry)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = prometheus(environ, start_response)
            return answer
        if path == "/live":
            good, said = health.alive(time.monotonic()), {"alive": health.alive(time.monotonic())}
        elif path == "/ready":
            good, said = health.ready(), {"ready": health.ready(), **health.parts}
        else:
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [b'{"paths":["/live","/ready","/metrics"]}']
        status = "200 OK" if good else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [orjson.dumps(said)]

    return application
