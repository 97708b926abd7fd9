"""The embedded broker: real, with the settings that the design measured."""

from __future__ import annotations

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from local import jvm, ports
from local import kafka as embedded
from local.kafka import Kafka
from worker.errors import Refuse
from worker.topics import MAX_RECORD_BYTES


def make_topic(bootstrap: str) -> str:
    """A topic of one partition under a new name."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, 1)])[name].result(30)
    return name


def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    """Produce the values in one transaction."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"id-{uuid.uuid4().hex[:8]}",
            "message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    producer.commit_transaction(30)


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first committed values of the topic."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "isolation.level": "read_committed"}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        values: list[bytes] = []
        while len(values) < count:
            record = consumer.poll(30)
            assert record is not None, f"only {len(values)} of {count} records came"
            assert record.error() is None
            value = record.value()
            assert isinstance(value, bytes)
            values.append(value)
        return values
    finally:
        consumer.close()


def test_a_record_of_the_largest_photo_goes_through(kafka: Kafka) -> None:
    """8 MiB in a transaction, out again committed: limits and transactions are set up."""
    topic = make_topic(kafka.bootstrap)
    photo = bytes(8 * 1024 * 1024)
    produce(kafka.bootstrap, topic, photo, b"next")
    assert read(kafka.bootstrap, topic, 2) == [photo, b"next"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("group.initial.rebalance.delay.ms", "0"),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"),
        ("group.consumer.session.timeout.ms", "6000"),
        ("group.consumer.min.session.timeout.ms", "6000"),
        ("group.consumer.heartbeat.interval.ms", "1000"),
        ("auto.create.topics.enable", "false"),
        ("message.max.bytes", str(MAX_RECORD_BYTES)),
    ],
)
def test_the_broker_says_that_it_is_set_as_designed(kafka: Kafka, name: str, value: str) -> None:
    """What the fault tests rely on is what the running broker reports, not only what was written."""
    resource = ConfigResource(ResourceType.BROKER, "1")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    assert admin.describe_configs([resource])[resource].result(30)[name].value == value


def test_data_outlive_an_orderly_stop_and_a_kill(tmp_path: Path) -> None:
    """The log is kept across a new broker on the folder, and across SIGKILL and restart on the same port."""
    data = tmp_path / "data"
    with Kafka.start(tmp_path / "first", data=data) as first:
        topic = make_topic(first.bootstrap)
        produce(first.bootstrap, topic, b"one")
    with Kafka.start(tmp_path / "second", data=data, port=first.port) as second:
        assert read(second.bootstrap, topic, 1) == [b"one"]
        produce(second.bootstrap, topic, b"two")
        second.kill()
        assert not second.alive
        second.restart()
        assert second.port == first.port
        assert read(second.bootstrap, topic, 2) == [b"one", b"two"]
        # Kafka 4.3 says this, skips the commit marker, and read_committed readers wait for ever.
        assert "likely deleted already" not in second.log.read_text(encoding="utf-8")


def advertised(bootstrap: str) -> str:
    """The address that a client is told; asked anew while it asks there, where nobody is."""
    for _ in range(12):
        try:
            (told,) = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=5).brokers.values()
        except KafkaException as error:
            if error.args[0].code() != KafkaError._TRANSPORT:
                raise
        else:
            return f"{told.host}:{told.port}"
    raise AssertionError(f"{bootstrap} told nothing in a minute")


def test_clients_are_told_the_advertised_address_and_the_broker_is_not(tmp_path: Path) -> None:
    """A proxy's address reaches clients; the broker's own listener needs no proxy to answer."""
    told = f"{ports.LOOPBACK}:{ports.choose(0, option='--kafka-port')}"
    with Kafka.start(tmp_path, advertise=told) as broker:
        assert advertised(broker.bootstrap) == told
        assert advertised(broker.internal) == broker.internal
        assert broker.data.is_dir()
    assert not broker.data.exists()  # nobody asked to keep it
    assert broker.log.is_file()


def test_a_data_folder_in_use_is_refused(kafka: Kafka, tmp_path: Path) -> None:
    """Two brokers never share a log: the second is not even started, for its controller would write first."""
    with pytest.raises(
        Refuse, match="another broker uses this data folder, stop it or choose another with --data"
    ):
        Kafka.start(tmp_path, data=kafka.data)
    assert kafka.alive
    assert not (tmp_path / "kafka.log").exists()


def test_java_that_does_not_start_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the virtual machine complained of is in the sentence."""
    monkeypatch.setattr(jvm, "HEAP", "-Xmx1k")
    with pytest.raises(Refuse, match=r"Kafka could not format .*: Too small maximum heap; its log is"):
        Kafka.start(tmp_path)


def test_kafkas_own_variable_reaches_its_virtual_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`KAFKA_OPTS` as Kafka's scripts take it; with an open quote it is refused by its name."""
    monkeypatch.setenv("KAFKA_OPTS", "-Xmx1k -Dname='two words'")
    assert jvm.command(tmp_path)[-2:] == ["-Xmx1k", "-Dname=two words"]
    with pytest.raises(Refuse, match=r"Kafka could not format .*: Too small maximum heap; its log is"):
        Kafka.start(tmp_path)
    monkeypatch.setenv("KAFKA_OPTS", "-Dname='two")
    with pytest.raises(Refuse, match="KAFKA_OPTS: no closing quotation; write it as for a shell"):
        jvm.command(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_too_small_a_disk_is_one_sentence(small_disk: Path, tmp_path: Path) -> None:
    """A log that would not fit is refused before the broker is started."""
    with pytest.raises(Refuse, match=r"has 1 MiB free and 256 are needed: free some space, or .* --data"):
        Kafka.start(tmp_path / "run", data=small_disk / "data")


def test_a_disk_that_is_full_after_all_is_one_sentence(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the room vanish between the look and the start, Kafka's own words are understood."""
    monkeypatch.setattr(embedded, "_NEEDS_MIB", 0)
    (small_disk / "data").mkdir()
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb") as filler:
        filler.write(bytes(2_000_000))
    with pytest.raises(Refuse, match=r"Kafka .*: the disk is full, free some space; its log is"):
        Kafka.start(tmp_path / "run", data=small_disk / "data")
