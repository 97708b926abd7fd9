"""From outcomes to the records that are published: topic, partition, key, headers, value. Pure functions."""

from __future__ import annotations

import orjson

from worker.edges.producer import Output
from worker.finish.document import prediction_document, rejection_document, timestamp
from worker.finish.recipe import Recipe
from worker.record import Moment, Outcome, Photo, Rejection
from worker.topics import REJECTED, feed


def output(outcome: Outcome, recipe: Recipe, *, now: Moment, budget_ms: int) -> Output:
    """Return the record of one outcome, published at `now`.

    It goes to the partition number that its photo came from, under the photo's key, so that within an output
    partition source offsets strictly increase.
    """
    if isinstance(outcome, Rejection):
        topic, kind = REJECTED, "rejection"
        document = rejection_document(outcome)
    else:
        topic, kind = feed(outcome.decision.slug), "prediction"
        document = prediction_document(outcome, recipe, now=now, budget_ms=budget_ms)
    return Output(
        topic=topic,
        partition=outcome.photo.source.partition,
        key=outcome.photo.key,
        value=orjson.dumps(document),
        headers=_headers(outcome.photo, kind, now.wall),
    )


def _headers(photo: Photo, kind: str, now: float) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, Kafka protocol binding, binary mode."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", f"pangaea.{kind}.v1".encode()),
        ("ce_id", f"{photo.photo_id}/{kind}".encode()),
        ("ce_source", b"pangaea"),
        ("ce_time", timestamp(now).encode()),
        ("content-type", b"application/json"),
    ]
    if photo.traceparent is not None:
        headers.append(("traceparent", photo.traceparent.encode()))
    return headers
