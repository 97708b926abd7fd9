"""The generator on a real broker: what it sends, when, and what it says when it was held up."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench import arrivals
from bench.child import Child, Document
from bench.generator import Spec
from bench.reckoning import Outcome, Sending, faults
from local.kafka import Kafka
from tests.end_to_end.harness import wait_until
from worker.errors import Refuse

PARTITIONS = 3
PHOTOS = (b"\xff\xd8\xff one", b"\xff\xd8\xff two")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small files."""
    folder = tmp_path_factory.mktemp("photos")
    for number, photo in enumerate(PHOTOS):
        (folder / f"{number}.jpg").write_bytes(photo)
    return folder


@pytest.fixture
def spec(kafka: Kafka, photos: Path) -> Iterator[Spec]:
    """A run of 2 s at 100 photos a second into a topic of its own; the first half second is warm-up."""
    topic = f"generated-{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(60)
    yield Spec(
        bootstrap=kafka.bootstrap,
        topic=topic,
        partitions=PARTITIONS,
        photos=str(photos),
        run="run",
        rate=100.0,
        seconds=2.0,
        warm_up=0.5,
        seed=7,
    )
    admin.delete_topics([topic])[topic].result(60)


def sent(spec: Spec) -> list[Message]:
    """Everything in the topic, by photo number."""
    consumer = Consumer(
        {"bootstrap.servers": spec.bootstrap, "group.id": "test", "enable.partition.eof": False}
    )
    places = [TopicPartition(spec.topic, number, 0) for number in range(PARTITIONS)]
    ends = [consumer.get_watermark_offsets(place, timeout=10) for place in places]
    total = sum(end[1] for end in ends if end is not None)
    consumer.assign(places)
    found: list[Message] = []
    while len(found) < total:
        found += consumer.consume(total - len(found), timeout=1)
    consumer.close()
    return sorted(found, key=lambda message: int(headers(message)["ce_id"].rpartition("-")[2]))


def headers(message: Message) -> dict[str, str]:
    """A record's headers as text."""
    return {str(name): bytes(text).decode() for name, text in list(message.headers() or [])}  # type: ignore[arg-type] # the stub admits a dict


def begin(child: Child) -> float:
    """Let a ready generator begin; return when its clock reads 0."""
    child.hear("ready", 30)
    start = time.monotonic() + 0.2
    child.tell({"start": start})
    return start


def test_photos_are_sent_as_drawn(spec: Spec, tmp_path: Path) -> None:
    """As many photos as were drawn, each once, in turn, none before it was due, all acknowledged."""
    due = arrivals.intended(spec.rate, spec.seconds, spec.seed)
    with Child("bench.generator", asdict(spec), log=tmp_path / "log") as child:
        start = begin(child)
        wall = time.time() + start - time.monotonic()
        said = child.hear("result", 30)
    assert said["sent"] == said["acknowledged"] == len(due)
    found = sent(spec)
    assert [headers(each)["ce_id"] for each in found] == [f"run-{number}" for number in range(len(due))]
    assert [each.partition() for each in found] == arrivals.partitions(len(due), PARTITIONS).tolist()
    assert [each.value() for each in found] == [PHOTOS[number % 2] for number in range(len(due))]
    assert all(
        {"ce_specversion", "ce_type", "ce_source", "ce_time", "content-type"} <= set(headers(each))
        for each in found
    )
    stamps = np.array([each.timestamp()[1] / 1000 for each in found])
    # Kafka's timestamps have whole milliseconds, and the two clocks are read one after the other.
    assert np.all(stamps - wall - due > -0.005)
    assert said["lag_max_ms"] >= said["lag_p99_ms"] >= 0


def test_a_generator_that_was_held_up_says_so(spec: Spec, tmp_path: Path) -> None:
    """Stopped for half a second, it sends what was due meanwhile, late: that is its lag, and no valid run."""
    with Child("bench.generator", asdict(spec), log=tmp_path / "log") as child:
        start = begin(child)
        threading.Event().wait(start + 0.8 - time.monotonic())
        os.kill(child.pid, signal.SIGSTOP)
        wait_until(lambda: _state(child.pid) == "T", 5, "a stopped generator")
        stopped = time.monotonic() - start
        threading.Event().wait(0.5)
        going = time.monotonic() - start
        os.kill(child.pid, signal.SIGCONT)
        said = child.hear("result", 30)
    due = arrivals.intended(spec.rate, spec.seconds, spec.seed)
    assert said["sent"] == said["acknowledged"] == len(due)
    waited = np.maximum(0, going - due[due >= spec.warm_up]) * (due[due >= spec.warm_up] > stopped) * 1000
    assert said["lag_max_ms"] >= waited.max() > 200
    assert said["lag_p99_ms"] >= np.percentile(waited, 99) > 200
    assert "the generator fell behind" in faults(_sending(said), _all_well(said["sent"]))


def test_a_generator_ends_when_told(spec: Spec, tmp_path: Path) -> None:
    """Told to stop, it sends no more and reports what it has sent until then."""
    with Child("bench.generator", asdict(spec), log=tmp_path / "log") as child:
        begin(child)
        child.tell({"stop": True})
        said = child.hear("result", 30)
    assert said["sent"] == said["acknowledged"] == len(sent(spec))
    assert said["sent"] < len(arrivals.intended(spec.rate, spec.seconds, spec.seed))


def test_a_missing_topic_is_told(spec: Spec, tmp_path: Path) -> None:
    """What the generator cannot do reaches the parent as one sentence."""
    strange = {**asdict(spec), "topic": "nowhere"}
    with (
        Child("bench.generator", strange, log=tmp_path / "log") as child,
        pytest.raises(Refuse, match="no topic nowhere"),
    ):
        child.hear("ready", 30)


def test_a_generator_that_died_is_told(spec: Spec, tmp_path: Path) -> None:
    """A generator that was killed is not waited for."""
    with Child("bench.generator", asdict(spec), log=tmp_path / "log") as child:
        child.hear("ready", 30)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Refuse, match="it ended"):
            child.hear("result", 30)


def _sending(said: Document) -> Sending:
    return Sending(**{name: value for name, value in said.items() if name != "kind"})


def _all_well(count: int) -> Outcome:
    return Outcome(
        sent=count,
        received=count,
        lost=0,
        doubled=0,
        late=0,
        rejected=0,
        latencies=np.full(count, 0.03),
        stages=(),
    )


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
