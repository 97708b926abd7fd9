"""Creating the topics that are missing, with their partitions and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.edges.kafka_errors import error_of, mapped
from worker.errors import Refuse, Retry
from worker.settings import KafkaSettings
from worker.topics import PHOTOS, Topic, layout

QUORUM_REPLICATION = 3
"""From this many replicas on, a write waits for all but one of them, so that one broker may be lost."""

BROKERS_OWN = -1
"""As many replicas as the broker gives a topic by default."""


def create(
    bootstrap: str,
    *,
    partitions: int | None = None,
    replication: int = 1,
    kafka: KafkaSettings | None = None,
) -> list[str]:
    """Create every missing topic and return their names, in the layout's order; the rest stay as they are.

    Args:
        bootstrap: host:port[,host:port…].
        partitions: of every topic; None = as many as `photos` has, else what is set.
        replication: replicas of each new topic, or `BROKERS_OWN`; from 3 on, a write waits for all but one.
        kafka: the connection's other settings (TLS, SCRAM).

    Raises:
        Retry: no broker answers, or it cannot for now.
        Refuse: it does not allow it, or `photos` has another number of partitions.
    """
    settings = reaching(bootstrap, kafka)
    try:
        admin = AdminClient(client_config(settings))
        existing = _existing(admin)
        found = existing.get(settings.photos_topic)
        if partitions is not None and found is not None and found != partitions:
            raise Refuse(
                f"topic {settings.photos_topic} has {found} partitions and every output must have as many: "
                f"run with --partitions {found}, or widen it first with `pangaea topics create --update`."
            )
        topics = wanted(partitions or found or settings.partitions, settings)
        missing = [topic for topic in topics if topic.name not in existing]
        _create(admin, missing, replication)
    except KafkaException as exc:
        refusal = refuse(exc, settings)
        if isinstance(mapped(error_of(exc), doing="creating the topics"), Retry):
            raise Retry(str(refusal).rstrip(".")) from exc
        raise refusal from exc
    return [topic.name for topic in missing]


def wanted(partitions: int, settings: KafkaSettings) -> tuple[Topic, ...]:
    """Return the layout as this deployment wants it: with its own name for `photos`."""
    return tuple(
        replace(topic, name=settings.photos_topic if topic.name == PHOTOS else topic.name)
        for topic in layout(partitions=partitions)
    )


def durability(replication: int) -> dict[str, str]:
    """Return the setting by which a topic of so many replicas outlives the loss of one broker.

    >>> durability(3), durability(1)
    ({'min.insync.replicas': '2'}, {})
    """
    return {"min.insync.replicas": str(replication - 1)} if replication >= QUORUM_REPLICATION else {}


def reaching(bootstrap: str, kafka: KafkaSettings | None) -> KafkaSettings:
    """Return the settings of the connection to this broker."""
    return (kafka or KafkaSettings()).model_copy(update={"bootstrap": bootstrap})


def _existing(admin: AdminClient) -> dict[str, int]:
    """Return partition counts by topic name."""
    return {
        name: len(topic.partitions)
        for name, topic in admin.list_topics(timeout=ANSWER_SECONDS).topics.items()
    }


def _create(admin: AdminClient, topics: Sequence[Topic], replication: int) -> None:
    if not topics:
        return
    new = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication,
            config=topic.config | durability(replication),
        )
        for topic in topics
    ]
    for future in admin.create_topics(new, operation_timeout=30, request_timeout=35).values():
        try:
            future.result()
        except KafkaException as exc:
            # Someone else created it in between: that is what was asked for.
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
