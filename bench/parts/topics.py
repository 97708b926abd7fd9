"""Topics of one measurement alone: nobody else reads what is in them, and they do not stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from worker.edges.connection import client_config
from worker.settings import KafkaSettings
from worker.topics import MAX_RECORD_BYTES

ANSWER_SECONDS = 60.0
LAST_SECONDS = 2.0
"""After an error, which may be that there is no broker any more: nobody waits long for it."""


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
    except BaseException:
        with suppress(KafkaException, TimeoutError):
            _delete(admin, names, LAST_SECONDS)
        raise
    _delete(admin, names, ANSWER_SECONDS)


def _delete(admin: AdminClient, names: Sequence[str], seconds: float) -> None:
    for gone in admin.delete_topics(list(names), request_timeout=seconds).values():
        gone.result(seconds)
