"""Loopback ports: find free ones, and say so in one sentence when a wanted one is taken."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from worker.errors import Refuse

LOOPBACK = "127.0.0.1"
_LOWEST = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # What servers do too: a port whose old connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose(wanted: int, *, option: str) -> int:
    """The wanted port, or a free one when it is 0.

    Free ones lie below the range that the kernel lends to outgoing connections: a client that keeps
    reconnecting to a stopped server inside that range sooner or later connects to itself and holds the port.

    Raises:
        Refuse: the wanted port is taken, naming `option`, the flag to change.
    """
    if wanted:
        if not is_free(wanted):
            raise Refuse(
                f"port {wanted} is taken by another program: choose another with {option}, "
                "or leave it out for a free one."
            )
        return wanted
    for _ in range(_ATTEMPTS):
        port = random.randrange(_LOWEST, _ceiling())  # noqa: S311 - spreads neighbours, guards nothing
        if is_free(port):
            return port
    raise Refuse(f"no free port was found on {LOOPBACK}: close some programs, or name one with {option}.")


def accepts(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _ceiling() -> int:
    try:
        return max(_LOWEST + 1_000, int(_EPHEMERAL.read_text(encoding="ascii").split()[0]))
    except (OSError, ValueError):
        return 32_768
