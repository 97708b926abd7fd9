"""How a cluster's topics differ from what they should be, and mending what can be mended in place."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from worker.edges.connection import ANSWER_SECONDS, client_config, refuse
from worker.edges.creation import create as create  # noqa: PLC0414 - it belongs to this family of commands
from worker.edges.creation import durability, reaching, wanted
from worker.settings import KafkaSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which a topic is not what it should be; `found` is None where there is nothing."""

    topic: str
    aspect: str
    wanted: str
    found: str | None

    @property
    def mend(self) -> str:
        """What to do about it, in one clause."""
        if self.aspect == "topic":
            return "pangaea topics create"
        if self.aspect == "replication":
            return "reassign its replicas with Kafka's own tools"
        if self.aspect == "partitions" and int(self.found or 0) > int(self.wanted):
            return "partitions cannot be taken away: delete the topic and create it anew, or widen the others"
        return "pangaea topics create --update"

    def __str__(self) -> str:
        """Say the difference in one line."""
        if self.aspect == "topic":
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.aspect} is {self.found}, should be {self.wanted}"


def check(
    bootstrap: str,
    *,
    partitions: int | None = None,
    replication: int | None = None,
    kafka: KafkaSettings | None = None,
) -> list[Difference]:
    """Tell what differs from the layout, nothing when all is well.

    Args:
        bootstrap: host:port[,host:port…].
        partitions: wanted of every topic; None = as many as `photos` has, else 6.
        replication: wanted of every topic; None = not looked at.
        kafka: the connection's other settings (TLS, SCRAM).

    Raises:
        Refuse: no broker answers, or it does not allow it.
    """
    settings = reaching(bootstrap, kafka)
    try:
        admin = AdminClient(client_config(settings))
        return _differences(admin, settings, partitions, replication)
    except KafkaException as exc:
        raise refuse(exc, settings) from exc


def update(
    bootstrap: str,
    *,
    partitions: int | None = None,
    replication: int | None = None,
    kafka: KafkaSettings | None = None,
) -> list[Difference]:
    """Mend what can be mended in place (settings, too few partitions) and return what was.

    More partitions send a key's later photos elsewhere than its earlier ones: that is the caller's to know.

    Raises:
        Refuse: no broker answers, or it does not allow it.
    """
    settings = reaching(bootstrap, kafka)
    try:
        admin = AdminClient(client_config(settings))
        differences = _differences(admin, settings, partitions, replication)
        mendable = [one for one in differences if one.mend.endswith("--update")]
        wider = [NewPartitions(one.topic, int(one.wanted)) for one in mendable if one.aspect == "partitions"]
        if wider:
            _settle(admin.create_partitions(wider, request_timeout=ANSWER_SECONDS).values())
        changed = [
            ConfigResource(
                ResourceType.TOPIC,
                one.topic,
                incremental_configs=[
                    ConfigEntry(one.aspect, one.wanted, incremental_operation=AlterConfigOpType.SET)
                ],
            )
            for one in mendable
            if one.aspect != "partitions"
        ]
        for resource in changed:  # one at a time: a resource may be named only once in a request
            _settle(admin.incremental_alter_configs([resource], request_timeout=ANSWER_SECONDS).values())
        # The controller has agreed; the brokers follow a moment later, and the next question goes to them.
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline and set(mendable) & set(
            _differences(admin, settings, partitions, replication)
        ):
            time.sleep(0.05)
    except KafkaException as exc:
        raise refuse(exc, settings) from exc
    return mendable


def _metadata(admin: AdminClient) -> ClusterMetadata:
    return admin.list_topics(timeout=ANSWER_SECONDS)


def _settle(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.result()


def _differences(
    admin: AdminClient, settings: KafkaSettings, partitions: int | None, replication: int | None
) -> list[Difference]:
    metadata = _metadata(admin).topics
    photos = metadata.get(settings.photos_topic)
    count = partitions or (len(photos.partitions) if photos else settings.partitions)
    topics = wanted(count, settings)
    present = [topic for topic in topics if topic.name in metadata]
    configs = _configs(admin, [topic.name for topic in present])
    differences: list[Difference] = []
    for topic in topics:
        if topic.name not in metadata:
            differences.append(Difference(topic=topic.name, aspect="topic", wanted="present", found=None))
            continue
        found = metadata[topic.name].partitions
        aspects: dict[str, tuple[str, str | None]] = {"partitions": (str(topic.partitions), str(len(found)))}
        fewest = min((len(partition.replicas) for partition in found.values()), default=0)
        if replication is not None:
            aspects["replication"] = (str(replication), str(fewest))
        config = topic.config | durability(fewest)
        aspects |= {name: (value, configs[topic.name].get(name)) for name, value in config.items()}
        differences.extend(
            Difference(topic=topic.name, aspect=aspect, wanted=should, found=is_)
            for aspect, (should, is_) in aspects.items()
            if should != is_
        )
    return differences


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Return each topic's settings by name; asking for no topic at all would be an error."""
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    futures = admin.describe_configs(resources, request_timeout=ANSWER_SECONDS)
    return {
        resource.name: {name: entry.value for name, entry in future.result().items()}
        for resource, future in futures.items()
    }
