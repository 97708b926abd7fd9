"""Topics of one measurement alone: nobody else reads what is in them, and they do not stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient, NewTopic

from worker.edges.connection import client_config
from worker.settings import KafkaSettings
from worker.topics import MAX_RECORD_BYTES

ANSWER_SECONDS = 60.0


@contextmanager
def scratch(kafka: KafkaSettings, names: Sequence[str], partitions: int) -> Iterator[None]:
    """Create the topics, and delete them at the end."""
    admin = AdminClient(client_config(kafka))
    largest = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    wanted = [NewTopic(name, partitions, 1, config=largest) for name in names]
    for made in admin.create_topics(wanted).values():
        made.result(ANSWER_SECONDS)
    try:
        yield
    finally:
        for gone in admin.delete_topics(list(names)).values():
            gone.result(ANSWER_SECONDS)
