"""Loopback ports."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from local import ports
from worker.errors import Refuse


def test_a_taken_port_is_refused_with_the_flag_to_change() -> None:
    """The sentence names the port and the mend."""
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(Refuse, match=rf"port {number} is taken .* choose another with --kafka-port"):
            ports.choose(number, option="--kafka-port")


def test_a_free_port_is_given_as_wanted() -> None:
    """A port that nobody holds is the one that is returned."""
    free = ports.choose(0, option="--kafka-port")
    assert ports.choose(free, option="--kafka-port") == free


def test_free_ports_lie_below_the_range_lent_to_clients() -> None:
    """A client that reconnects without end cannot be lent the very port that it knocks at."""
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(lent.read_text(encoding="ascii").split()[0]) if lent.exists() else 32_768
    assert all(ports.choose(0, option="--kafka-port") < lowest for _ in range(20))


def test_accepts_tells_a_listener_from_none() -> None:
    """True while something listens, false before and after."""
    number = ports.choose(0, option="--kafka-port")
    assert not ports.accepts(number)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.LOOPBACK, number))
        server.listen()
        assert ports.accepts(number)
    assert not ports.accepts(number)
