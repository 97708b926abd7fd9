"""The stand that a bench runs on: a Kafka and a Triton, started for it or pointed at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tritonclient.utils import InferenceServerException

from bench.figures import Machine
from bench.machine import engine_precision, examine
from local.install import Meter, silent
from local.stack import Options, Stack
from worker.clients.reading import Log
from worker.errors import Refuse
from worker.settings import KafkaSettings
from worker.topics import PHOTOS


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
