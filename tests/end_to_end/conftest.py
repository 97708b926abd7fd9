"""One real worker on the session's real stack, and readers of what it publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from local.stack import Options, Stack
from tests.end_to_end import faulty
from tests.end_to_end.harness import Reader, Worker, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples" / "photos"

Start = Callable[..., Worker]
PATIENCE_MS = 500


@pytest.fixture(scope="session")
def environment(stack: Stack) -> dict[str, str]:
    """What a worker needs to know of the stack."""
    return {"PANGAEA_KAFKA__BOOTSTRAP": stack.kafka, "PANGAEA_TRITON__URL": stack.triton}


@pytest.fixture(scope="module")
def worker(
    environment: Mapping[str, str],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Worker]:
    """A worker for one module, at debug level, ready.

    Its group is its own and begins at the end: what other modules have sent is nothing to it.
    """
    settings = {
        "PANGAEA_LOG__LEVEL": "debug",
        "PANGAEA_KAFKA__GROUP": str(request.module.__name__),
        "PANGAEA_KAFKA__START": "latest",
    }
    process = Worker({**environment, **settings}, tmp_path_factory.mktemp("worker") / "worker.log")
    process.ready()
    wait_until(lambda: process.metric("pangaea_transactions_total") >= 1, 30, "the committed start")
    yield process
    assert process.stop() == 0


@pytest.fixture
def start(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start further workers with settings of their own; all are stopped at the end."""
    started: list[Worker] = []

    def begin(arguments: tuple[str, ...] = (), **settings: str) -> Worker:
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(Worker({**environment, **settings}, log, arguments))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


@pytest.fixture
def reader(stack: Stack) -> Iterator[Reader]:
    """Sees every output record from here on."""
    reading = Reader(stack.kafka)
    yield reading
    reading.close()


@pytest.fixture(scope="session")
def examples() -> dict[str, bytes]:
    """The example photos by file name."""
    return {path.name: path.read_bytes() for path in sorted(EXAMPLES.glob("*.jpg"))}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, dict[str, str]]]:
    """A stack of its own with the engine that fails on purpose, and a worker's settings for it."""
    models, card = faulty.repository(tmp_path_factory.mktemp("faulty"))
    with Stack.start(Options(models=models)) as stack:
        yield (
            stack,
            {
                "PANGAEA_KAFKA__BOOTSTRAP": stack.kafka,
                "PANGAEA_TRITON__URL": stack.triton,
                "PANGAEA_TRITON__PATIENCE_MS": str(PATIENCE_MS),
                "PANGAEA_CARD": str(card),
            },
        )
