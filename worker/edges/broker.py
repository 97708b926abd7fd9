"""What the worker asks of the broker before it joins: are the topics there, and wide enough?"""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.edges.kafka_codes import UNWELCOME
from worker.edges.kafka_errors import error_of, mapped
from worker.errors import Refuse, Retry
from worker.settings import KafkaSettings
from worker.topics import FEED_SLUGS, REJECTED, feed


class TopicsMissing(Retry):
    """A broker answers, and some of the topics are not there."""


def check(settings: KafkaSettings) -> None:
    """See that the input and every output exist, and that a result's partition exists for each photo's.

    Raises:
        Retry: no broker answers, it turns this client away, or a topic is missing: `TopicsMissing`.
        Refuse: an output has fewer partitions than the input, or the rights are missing.
    """
    heard: list[KafkaError] = []
    config: dict[str, Any] = {**client_config(settings), "error_cb": heard.append}
    admin = AdminClient(config)
    try:
        found = admin.list_topics(timeout=ANSWER_SECONDS).topics
    except KafkaException as exc:
        trouble = mapped(error_of(exc), doing="looking for the topics")
        if isinstance(trouble, Refuse):
            raise trouble from exc
        admin.poll(0)
        turned_away = next((each for each in heard if each.code() in UNWELCOME), None)
        if turned_away is not None:
            # The call itself says no more than that nobody answered.
            raise Retry(str(refuse(KafkaException(turned_away), settings)).rstrip(".")) from exc
        raise Retry(
            f"no Kafka broker answers at {settings.bootstrap}: start one with `pangaea up`, or set"
            " PANGAEA_KAFKA__BOOTSTRAP"
        ) from exc
    outputs = [*(feed(slug) for slug in FEED_SLUGS), REJECTED]
    missing = [name for name in (settings.photos_topic, *outputs) if name not in found]
    if missing:
        raise TopicsMissing(
            f"{len(missing)} of the topics are missing, {missing[0]} first: create them with"
            " `pangaea topics create`, or run with --create-topics"
        )
    partitions = len(found[settings.photos_topic].partitions)
    narrow = [name for name in outputs if len(found[name].partitions) < partitions]
    if narrow:
        raise Refuse(
            f"{narrow[0]} has fewer partitions than {settings.photos_topic} ({partitions}): widen it with"
            " `pangaea topics create --update`."
        )
