"""The topics, their partitions and their settings: one source for `topics create`, `check` and manifests.

>>> feed("europe"), drift("europe")
('continent.europe', 'continent.europe.drift')
>>> [topic.name for topic in layout(partitions=6)][:3]
['photos', 'continent.africa', 'continent.antarctica']
"""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.record import SLUGS, UNDETERMINED

PHOTOS = "photos"
REJECTED = "photos.rejected"
FEED_SLUGS = (*SLUGS, UNDETERMINED)

HOUR_MS = 3_600_000
MAX_RECORD_BYTES = 9 * 1024 * 1024
"""Above the photo limit of 8 MiB by the room that headers and a key may take."""


def feed(slug: str) -> str:
    """The topic that the photos of this continent (or `undetermined`) are published to."""
    return f"continent.{slug}"


def drift(slug: str) -> str:
    """The topic that the drift monitor of this continent publishes to."""
    return f"continent.{slug}.drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as it should be: name, partitions and the settings that differ from the broker's."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def layout(*, partitions: int) -> tuple[Topic, ...]:
    """Every topic of a deployment; the outputs have as many partitions as `photos` has."""
    day, days_7, days_30 = (str(HOUR_MS * 24 * days) for days in (1, 7, 30))
    photos = Topic(
        name=PHOTOS,
        partitions=partitions,
        config={"retention.ms": day, "max.message.bytes": str(MAX_RECORD_BYTES)},
    )
    feeds = tuple(
        Topic(name=feed(slug), partitions=partitions, config={"retention.ms": days_7}) for slug in FEED_SLUGS
    )
    rejected = Topic(name=REJECTED, partitions=partitions, config={"retention.ms": days_30})
    drifts = tuple(
        Topic(name=drift(slug), partitions=partitions, config={"retention.ms": days_30}) for slug in SLUGS
    )
    return (photos, *feeds, rejected, *drifts)
