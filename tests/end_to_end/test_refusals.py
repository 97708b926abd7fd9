"""What no retry can mend ends the worker with one sentence; once it is mended, nothing has been lost."""

from __future__ import annotations

from pathlib import Path

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from local.stack import Stack
from tests.end_to_end import faulty
from tests.end_to_end.harness import Reader, Worker, send_all
from worker.topics import feed

LARGEST = "max.message.bytes"


def limit(bootstrap: str, topic: str, size: int | None) -> None:
    """Let the topic take messages of so many bytes, or as many as by default."""
    kind = AlterConfigOpType.DELETE if size is None else AlterConfigOpType.SET
    entry = ConfigEntry(LARGEST, str(size), incremental_operation=kind)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(30)


def test_a_topic_that_does_not_take_a_result(broken: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    """Someone has made a feed too narrow: the worker says which, exits 1, and its successor has the photo."""
    stack, settings = broken
    reader, europe = Reader(stack.kafka), feed("europe")
    limit(stack.kafka, europe, 200)
    try:
        worker = Worker(settings, tmp_path / "first.log").ready()
        (place,) = send_all(stack.kafka, [(faulty.photo(faulty.WELL), None)])
        assert worker.ended() == 1
    finally:
        limit(stack.kafka, europe, None)
    last = worker.said().strip().splitlines()[-1]
    assert f"will never accept this while publishing results: ProduceRequest for {europe}" in last
    assert reader.idle() == []
    successor = Worker(settings, tmp_path / "second.log").ready()
    (seen,) = reader.until(1)
    assert seen.source == place
    assert reader.idle() == [seen]
    assert successor.stop() == 0
    reader.close()
