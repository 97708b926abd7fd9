"""What many tests share: one real Kafka and one real stack a session, each started when first asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from local.kafka import Kafka
from local.stack import Options, Stack

# A run in the background has Ctrl-C ignored, and every child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The brokers of tests live for a minute: the second compiler would take as much as all the rest of them.
os.environ.setdefault("KAFKA_OPTS", "-XX:TieredStopAtLevel=1")

# How long an example takes is the machine's affair: real servers run beside it, and no test asserts a time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A running broker without topics, for tests that need no Triton; tests make topics of their own."""
    with Kafka.start(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running embedded stack with the project's engines and topics."""
    with Stack.start(Options()) as running:
        yield running
