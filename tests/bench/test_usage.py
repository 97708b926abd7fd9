"""What the bench's commands cannot mean is refused before anything is started."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from confluent_kafka import Consumer
from typer.testing import CliRunner

from bench import run, stand
from bench.app import bench_app
from bench.contenders import NAMES, chosen
from bench.files import Files
from bench.latency import Load
from bench.stand import Stand
from local.stack import Stack
from tests.end_to_end.harness import wait_until
from worker.clients.reading import Log, Offsets
from worker.errors import Refuse
from worker.settings import KafkaSettings
from worker.topics import PHOTOS


@pytest.fixture
def _nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that is started after all is seen."""

    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("a stack was started")

    monkeypatch.setattr(stand, "opened", opened)
    monkeypatch.setattr("bench.contest.opened", opened)


@pytest.mark.usefixtures("_nothing_is_started")
@pytest.mark.parametrize(
    "arguments",
    [
        "latency --rate inf",
        "latency --rate nan",
        "latency --rate 1e12",
        "latency --seconds inf",
        "latency --seconds 1e9",
        "latency --warm-up nan",
        # Each within its bounds, and both together too much to draw.
        "latency --rate 100000 --seconds 86400",
        # None is due: there would be nothing to measure.
        "latency --rate 0.1 --seconds 1 --warm-up 0",
        "latency --workers 3 --no-worker --kafka 127.0.0.1:1 --triton 127.0.0.1:1",
        "latency --workers 65",
        "sweep --workers 99999",
        "sweep --workers 1,0",
        "sweep --workers 1,",
        "sweep --minutes nan",
        "sweep --minutes inf",
        "peers --rate inf",
        "peers --rate nan",
        "peers --only ,",
        "peers --only plain,nobody",
        "limit --cores 4096",
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: str) -> None:
    """Exit code 2, and no stack is started for it."""
    found = CliRunner().invoke(bench_app, arguments.split())
    code = found.exception.exit_code if isinstance(found.exception, Refuse) else found.exit_code
    assert code == 2, (found.output, found.exception)


@pytest.mark.parametrize(
    ("names", "wanted"), [("plain,", ("plain",)), (" ,plain, pangaea", ("pangaea", "plain")), (None, NAMES)]
)
def test_an_empty_name_is_nobody(names: str | None, wanted: tuple[str, ...]) -> None:
    """A comma too many names nobody."""
    assert chosen(names) == wanted


@pytest.fixture(scope="module")
def place(stack: Stack) -> Stand:
    """The session's stack as a stand."""
    return stand.of(stack)


def ends(photos: Log) -> Offsets:
    """Where the topic ends; one that was just made may have no leader for a moment."""
    found: list[Offsets] = []

    def asked() -> bool:
        with suppress(Refuse):
            found.append(photos.ends())
        return bool(found)

    wait_until(asked, 30, "a leader of every partition")
    return found[0]


def test_a_load_that_nobody_answers_is_refused(place: Stand) -> None:
    """`--no-worker` where no worker is: refused, and not one photo is left for whoever comes next."""
    photos = Log(KafkaSettings(bootstrap=place.kafka), [PHOTOS])
    before = ends(photos)
    where = run.Where(kafka=place.kafka, triton=place.triton, own_worker=False)
    with pytest.raises(
        Refuse, match=r"no consumer group at .* reads all partitions of photos: start a worker"
    ):
        run.latency(where, Load(rate=10.0, seconds=1.0, warm_up=0.0), None, Files())
    assert ends(photos) == before


@pytest.fixture
def reader(place: Stand) -> Iterator[Consumer]:
    """A group that reads all of `photos`, whatever its name."""
    name = f"somebody-{time.time_ns()}"
    consumer = Consumer({"bootstrap.servers": place.kafka, "group.id": name})
    consumer.subscribe([PHOTOS])
    yield consumer
    consumer.close()


def test_whoever_reads_all_photos_answers_them(place: Stand, reader: Consumer) -> None:
    """A group that has every partition is one that may be measured."""

    def assigned() -> bool:
        reader.poll(0.1)
        return len(reader.assignment()) == place.partitions

    wait_until(assigned, 90, "every partition")
    stand.ensure_attended(place)
