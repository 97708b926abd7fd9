"""The stand that a bench runs on: a Kafka and a Triton, started for it or pointed at."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tritonclient.utils import InferenceServerException

from bench.figures import Machine
from bench.machine import engine_precision, examine
from local.install import Meter, silent
from local.stack import Options, Stack
from worker.clients.reading import Log
from worker.edges.connection import client_config
from worker.errors import Refuse
from worker.settings import KafkaSettings
from worker.topics import PHOTOS

ASK_SECONDS = 5.0
ATTENDED_SECONDS = 5.0
"""Partitions that are on the move between members arrive within it."""

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A running Kafka and Triton, as host:port, and the partitions of `photos`.

    `parties` are the processes whose cost is accounted for, by name: none where they are not ours. `folder`
    takes logs and scratch files.
    """

    kafka: str
    triton: str
    partitions: int
    parties: Mapping[str, Sequence[int]]
    folder: Path
    machine: Machine


@contextmanager
def opened(options: Options | None = None, *, meter: Meter = silent) -> Iterator[Stand]:
    """Start a stack and hold it.

    Raises:
        Refuse: it does not start.
    """
    with Stack.start(options or Options(), meter=meter) as stack:
        yield of(stack)


def of(stack: Stack) -> Stand:
    """Return a running stack as a stand; one without Triton has an empty address for it."""
    server = stack.server
    return Stand(
        kafka=stack.kafka,
        triton=server.url if server is not None else "",
        partitions=_partitions(stack.kafka),
        parties={"broker": (stack.broker.pid,)} | ({"triton": (server.pid,)} if server is not None else {}),
        folder=stack.logs,
        machine=examine(_precision(server.url) if server is not None else "none"),
    )


@contextmanager
def pointed_at(kafka: str, triton: str) -> Iterator[Stand]:
    """Use what runs already; what it costs is not accounted for.

    Raises:
        Refuse: nothing answers there.
    """
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="pangaea-bench-")))
        yield Stand(
            kafka=kafka,
            triton=triton,
            partitions=_partitions(kafka),
            parties={},
            folder=folder,
            machine=examine(_precision(triton)),
        )


def ensure_attended(stand: Stand) -> None:
    """See that a group reads all of `photos`: what nobody answers would lie there for whoever comes next.

    Raises:
        Refuse: nobody is seen to.
    """
    deadline = time.monotonic() + ATTENDED_SECONDS
    while not _attended(stand):
        if time.monotonic() > deadline:
            raise Refuse(
                f"no consumer group at {stand.kafka} reads all partitions of {PHOTOS}: start a worker there"
                " (`pangaea run`), or leave out --no-worker."
            )
        time.sleep(_LOOK_SECONDS)


def _attended(stand: Stand) -> bool:
    admin = AdminClient(client_config(KafkaSettings(bootstrap=stand.kafka)))
    try:
        listed = admin.list_consumer_groups(request_timeout=ASK_SECONDS).result(ASK_SECONDS).valid
        names = [group.group_id for group in listed]
        asked = admin.describe_consumer_groups(names, request_timeout=ASK_SECONDS) if names else {}
        for answer in asked.values():
            held = {
                place.partition
                for member in answer.result(ASK_SECONDS).members
                if member.assignment is not None
                for place in member.assignment.topic_partitions
                if place.topic == PHOTOS
            }
            if len(held) == stand.partitions:
                return True
    except (KafkaException, TimeoutError):
        return False
    return False


def _partitions(kafka: str) -> int:
    return len(Log(KafkaSettings(bootstrap=kafka), [PHOTOS]).partitions)


def _precision(triton: str) -> str:
    try:
        return engine_precision(triton)
    except InferenceServerException as error:
        raise Refuse(
            f"no Triton that serves the model answers at {triton}: start one with `pangaea up`, or leave out"
            " --kafka and --triton."
        ) from error
