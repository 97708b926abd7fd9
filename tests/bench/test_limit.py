"""The ceiling on a real stack: every part measured for real, if shortly, and nothing left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tritonclient.grpc import InferenceServerClient

from bench import limit, mixes, stand
from bench.ceilings import ceiling
from bench.figures import Limit
from bench.limit import Effort
from bench.parts.engine import Instance, configs
from bench.parts.member import Member
from bench.parts.prepared import prepared
from bench.parts.record import result
from bench.parts.shared import Shared
from bench.stand import Stand
from local import engines
from local.stack import Stack
from worker.clients.publish import Publisher
from worker.edges.triton import Engine
from worker.errors import Refuse
from worker.record import Prepared
from worker.settings import KafkaSettings, Settings, TritonSettings

SHORT = Effort(
    repetitions=1,
    decode_seconds=0.2,
    engine_seconds=0.05,
    served_seconds=0.2,
    kafka_seconds=0.3,
    loads=((1, 1), (2, 4)),
    largest_batch=3,
)
ISSUES_NAMES = {
    "decode_ms",
    "engine_ms",
    "engine_batch_rate",
    "triton_rate",
    "ceiling",
    "bare_ceiling",
}
TICK_MS = 10.0
"""The kernel tells another process's CPU in ticks of a hundredth of a second."""


@pytest.fixture(scope="module")
def place(stack: Stack) -> Stand:
    """The session's stack as a stand."""
    return stand.of(stack)


@pytest.fixture(scope="module")
def found(place: Stand) -> Limit:
    """One short run."""
    return limit.measure(place, mix="512px", effort=SHORT)


@pytest.fixture(scope="module")
def photos() -> list[Prepared]:
    """Decoded photos."""
    return prepared(mixes.folder("512px"), Settings())


def test_every_part_is_measured(found: Limit) -> None:
    """Each part has photos, time, and CPU of the processes that it is shared by, all above zero."""
    processes = {part.name: set(part.cpu_ms) for part in found.parts}
    assert processes == {
        "decode": {"worker"},
        "engine_alone": {"engine"},
        **{f"engine_{size}": {"engine"} for size in range(1, 4)},
        "triton": {"worker", "triton"},
        "triton_shared_memory": {"worker", "triton"},
        **{name: {"worker", "triton"} for name in processes if name.startswith("triton")},
        "kafka": {"worker", "broker"},
        "kafka_produce": {"generator", "broker"},
        "kafka_consume": {"worker", "broker"},
    }
    assert len([name for name in processes if name.startswith("triton_shared_memory")]) == len(SHORT.loads)
    for part in found.parts:
        assert part.photos > 0, part.name
        assert min(part.wall_ms, part.rate, part.cpu_ms_total) > 0, part.name
        assert part.wall_ms_spread == (part.wall_ms, part.wall_ms)


def test_no_part_takes_more_than_the_processors_have(found: Limit) -> None:
    """The account is one of real processors: CPU is at most wall time on all of them, give or take a tick."""
    for part in found.parts:
        cores = 1 if part.name == "decode" else found.cores
        # The server is three processes and more, each rounded to a tick at both ends.
        slack = 0.0 if part.name.startswith(("decode", "engine")) else 12 * TICK_MS / part.photos
        assert part.cpu_ms_total <= part.wall_ms * cores * 1.05 + slack, part


def test_the_ceilings_are_those_of_the_parts(found: Limit) -> None:
    """They can be computed again from the file."""
    parts = {part.name: part for part in found.parts}
    path = [parts[name] for name in ("decode", "triton", "kafka")]
    assert found.ceiling == pytest.approx(ceiling(found.cores, path))
    path[1] = parts["triton_shared_memory"]
    assert found.shared_memory_ceiling == pytest.approx(ceiling(found.cores, path))
    best = parts[f"engine_{found.engine_batch}"]
    assert found.bare_ceiling == pytest.approx(ceiling(found.cores, [parts["decode"], best]))
    assert found.engine_batch_rate == best.rate == max(parts[f"engine_{n}"].rate for n in range(1, 4))
    assert found.decode_ms == parts["decode"].wall_ms
    assert found.engine_ms == parts["engine_alone"].wall_ms


def test_the_file_has_the_names_that_were_asked_for(found: Limit) -> None:
    """`--json` has them at the top level, and the machine beside."""
    document = orjson.loads(orjson.dumps(found.document()))
    assert set(document) >= ISSUES_NAMES
    assert document["cores"] == document["machine"]["cores"]
    assert document["machine"]["precision"] in {"bf16", "fp32"}
    assert document["mix"] == "512px"


@pytest.mark.usefixtures("found")
def test_nothing_is_left_behind(place: Stand) -> None:
    """The broker has its own topics alone, and Triton knows of no shared memory."""
    with InferenceServerClient(place.triton) as client:
        assert not client.get_system_shared_memory_status().regions
    admin = AdminClient({"bootstrap.servers": place.kafka})
    assert not [name for name in admin.list_topics(timeout=10).topics if name.startswith("bench.")]


def test_the_engine_in_process_is_the_one_behind_triton(
    place: Stand, photos: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same photos, the same logits to the last bit that counts: by gRPC, by shared memory, in process."""
    # Restored at the end: the engine's backend is loaded with a stand-in for Triton's module.
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", None)
    # Two photos at most, so that only two batch sizes are warmed up.
    wanted = {name: {**config, "max_batch_size": 2} for name, config in configs(place.triton).items()}
    own = Instance(engines.build(), wanted)(np.stack([each.pixels for each in photos[:2]]))

    async def served() -> tuple[np.ndarray, np.ndarray]:
        settings = TritonSettings(url=place.triton)
        engine = Engine(settings, evidence=True)
        by_grpc = await engine.infer(photos[:2], 10.0)
        async with Shared.opened(settings, places=2, photos=photos[:2], evidence=True) as shared:
            # The second place, after other photos lay in both: offsets count.
            await asyncio.gather(*(shared.infer(place, photos[2:4], 10.0) for place in range(2)))
            by_memory = await shared.infer(1, photos[:2], 10.0)
        await engine.close()
        return np.stack([each.stage2 for each in by_grpc]), np.stack([each.stage2 for each in by_memory])

    by_grpc, by_memory = asyncio.run(served())
    assert own.shape == by_grpc.shape == by_memory.shape == (2, 5, 7)
    assert np.abs(own - by_grpc).max() < 0.05
    assert np.abs(own - by_memory).max() < 0.05
    assert np.abs(own[0] - own[1]).max() > 0.1


@pytest.fixture
def kafka(place: Stand) -> Iterator[KafkaSettings]:
    """Topics of one test."""
    name = f"bench.test.{time.time_ns()}"
    admin = AdminClient({"bootstrap.servers": place.kafka})
    for made in admin.create_topics([NewTopic(name, 2, 1), NewTopic(f"{name}.out", 2, 1)]).values():
        made.result(60)
    yield KafkaSettings(bootstrap=place.kafka, photos_topic=name)
    for gone in admin.delete_topics([name, f"{name}.out"]).values():
        gone.result(60)


def test_the_loop_really_commits(kafka: KafkaSettings) -> None:
    """As many committed results as photos, of a real prediction's size, and the offsets of all of them."""
    photos, out = 20, f"{kafka.photos_topic}.out"
    with Publisher(kafka) as publisher:
        for _ in range(photos):
            publisher.send(b"\xff\xd8 a photo")
    made, group = result(Settings()), f"member-{time.time_ns()}"
    assert 1_500 < len(made.value) < 4_000
    assert orjson.loads(made.value)["conformal"]["set"]
    taken = 0
    with Member.opened(
        kafka, group, lambda source: replace(made, topic=out, partition=source.partition)
    ) as member:
        deadline = time.monotonic() + 30
        while not (taken == photos and member.idle):
            assert time.monotonic() < deadline
            taken += member.take()
            member.work(time.monotonic() + 0.01)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(kafka.photos_topic, n) for n in range(2)])
    answer = admin.list_consumer_group_offsets([asked])[group].result(60)
    assert sum(each.offset for each in answer.topic_partitions if each.offset > 0) == photos
    assert committed(kafka.bootstrap, out, photos) == {made.value}


def committed(bootstrap: str, topic: str, count: int) -> set[bytes | None]:
    """Read so many committed records of a topic; return their values."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "never", "auto.offset.reset": "earliest"}
        | {"isolation.level": "read_committed", "enable.auto.commit": False}
    )
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(2)])
        messages = consumer.consume(count, timeout=20)
        assert len(messages) == count
        return {message.value() for message in messages}
    finally:
        consumer.close()


def test_a_stand_that_is_not_ours_is_refused(place: Stand) -> None:
    """What somebody else's servers cost is not known: one sentence, nothing measured."""
    with pytest.raises(Refuse, match="known of our own alone: leave out --kafka and --triton"):
        limit.measure(replace(place, parties={}), mix="512px")


def test_a_part_that_fails_is_told(place: Stand, tmp_path: Path) -> None:
    """A server that is not there ends the run in one sentence that names the part."""
    nowhere = replace(place, triton="127.0.0.1:1", folder=tmp_path)
    with pytest.raises(Refuse, match=r"the engine gave up: .*limit\.log"):
        limit.measure(nowhere, mix="512px", effort=SHORT)


@pytest.mark.parametrize("wrong", [["--cores", "4096"], ["--mix", "8k"]])
def test_bad_usage(wrong: list[str]) -> None:
    """What cannot be meant is refused before anything is started: exit code 2, one sentence."""
    command = [sys.executable, "-m", "pangaea", "bench", "limit", *wrong]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("pangaea: ")
