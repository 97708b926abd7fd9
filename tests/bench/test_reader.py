"""The reader on a real broker: what counts as visible, when, and how often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from bench.child import Child
from bench.reader import TIMING, Reading, Spec
from local.kafka import Kafka
from tests.end_to_end.harness import wait_until

COUNT = 6
TIMES = {"queue_ms": 1.0, "decode_ms": 2.0, "infer_ms": 3.0, "total_ms": 10.0, "deadline_ms": 200}


@pytest.fixture(scope="module")
def topics(kafka: Kafka) -> Iterator[tuple[str, ...]]:
    """Two output topics."""
    names = (f"out.one-{time.time_ns()}", f"out.two-{time.time_ns()}")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics([NewTopic(name, 2, 1) for name in names]).values():
        made.result(60)
    yield names
    for gone in admin.delete_topics(list(names)).values():
        gone.result(60)


def record(photo_id: str, **more: object) -> bytes:
    """A record about a photo."""
    return orjson.dumps({"photo_id": photo_id, "decision": "asia", **more})


def test_what_came_and_when(kafka: Kafka, topics: tuple[str, str], tmp_path: Path) -> None:
    """Committed records of this run count, at the moment they became visible, the first of each photo.

    What an open transaction holds is not visible, what an aborted one held never was; other runs', other
    shapes' and earlier records are nothing to it.
    """
    one, two = topics
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap, "transactional.id": f"reader-{time.time_ns()}", "linger.ms": 0}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(one, record("run-5"), partition=0)
    producer.commit_transaction(30)
    output = tmp_path / "reading.npz"
    spec = Spec(bootstrap=kafka.bootstrap, topics=topics, run="run", count=COUNT, output=str(output))
    with Child("bench.reader", asdict(spec), log=tmp_path / "log") as child:
        child.hear("ready", 30)
        producer.begin_transaction()
        producer.produce(one, record("run-3"), partition=0)
        producer.flush(10)
        producer.abort_transaction(30)
        producer.begin_transaction()
        producer.produce(one, record("run-0", timing={**TIMES, "late": True}), partition=0)
        producer.produce(two, orjson.dumps({"photo_id": "run-1", "reason": "empty"}), partition=1)
        producer.produce(two, record("run-2"), partition=0)
        producer.produce(two, record("run-2"), partition=1)
        for strange in (record("other-4"), record("run-99"), record("run-x"), b"{", b"[]", b'{"photo_id":4}'):
            producer.produce(one, strange, partition=1)
        producer.flush(10)
        before = time.monotonic()
        producer.commit_transaction(30)
        wait_until(lambda: child.progress.get("received") == 3, 10, "three photos' records")
        after = time.monotonic()
        child.tell({"sent": 3, "patience": 5.0})
        assert child.hear("result", 30)["received"] == 3
    seen = Reading.load(output)
    assert seen.times.tolist() == [1, 1, 2, 0, 0, 0]
    assert np.isnan(seen.moments).tolist() == [False, False, False, True, True, True]
    assert np.all((seen.moments[:3] >= before) & (seen.moments[:3] <= after))
    assert seen.late.tolist() == [True, False, False, False, False, False]
    assert seen.rejected.tolist() == [False, True, False, False, False, False]
    assert seen.timing[0].tolist() == [TIMES[name] for name in TIMING]


def test_what_does_not_come_is_not_waited_for(kafka: Kafka, topics: tuple[str, str], tmp_path: Path) -> None:
    """After its patience the reader ends with what it has, and nothing else is said to have come."""
    output = tmp_path / "reading.npz"
    spec = Spec(bootstrap=kafka.bootstrap, topics=topics, run="none", count=COUNT, output=str(output))
    with Child("bench.reader", asdict(spec), log=tmp_path / "log") as child:
        child.hear("ready", 30)
        child.tell({"sent": COUNT, "patience": 0.2})
        assert child.hear("result", 30)["received"] == 0
    assert Reading.load(output).times.tolist() == [0] * COUNT
