"""A TCP proxy between a worker and its broker: the link that a test can cut and heal."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

CHUNK = 64 * 1024
LOOPBACK = "127.0.0.1"


class Proxy:
    """Listens on a port of its own and passes bytes on to one address, until it is cut.

    A cut is `refused` (connections are reset and new ones turned away, as when a host is gone) or `silent`
    (nothing arrives any more and nobody says so, as when a firewall drops packets).
    """

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self._target: tuple[str, int] | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut: Literal["refused", "silent"] | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self.passed = 0
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    @property
    def address(self) -> str:
        """Where clients connect: host:port."""
        return f"{LOOPBACK}:{self.port}"

    def lead_to(self, port: int) -> None:
        """Pass everything on to this port of this machine."""
        self._target = (LOOPBACK, port)

    @contextmanager
    def cut(self, kind: Literal["refused", "silent"]) -> Iterator[None]:
        """No byte passes inside this block."""
        self._cut = kind
        self._flowing.clear()
        if kind == "refused":
            self._hang_up()
        try:
            yield
        finally:
            self._cut = None
            # What was written into the silence is lost with its connection, as after a real cut.
            self._hang_up()
            self._flowing.set()

    def close(self) -> None:
        """Close every connection and the port."""
        self._listener.close()
        self._hang_up()
        self._flowing.set()

    def _hang_up(self) -> None:
        with self._lock:
            connections, self._open = self._open, set()
        for each in connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                # The port was closed: the proxy has ended.
                return
            if self._cut == "refused" or self._target is None:
                near.close()
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                sink.sendall(data)
                self.passed += len(data)
        # One side has ended, or the link was cut under it: so has the other.
        with self._lock:
            self._open -= {source, sink}
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
