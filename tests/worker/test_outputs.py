"""From outcomes to records: none can be larger than what any client and any topic takes by default."""

from __future__ import annotations

import pytest

from tests.worker.samples import photo, prediction, recipe
from worker.outputs import output
from worker.prepare.event import LONGEST_ID
from worker.record import Moment, Outcome, Photo, Rejection, Source
from worker.settings import LimitSettings

TAKEN = 1_000_000
"""Bytes: librdkafka's `message.max.bytes`, its `batch.size`, and less than Kafka's own 1,048,588 a batch."""

LONGEST_TOPIC = 249
"""Characters of a topic's name (Kafka, org.apache.kafka.common.internals.Topic)."""

LONG = 1.2345678901234567e-300
"""A number of as many digits as JSON ever shows of one."""


def largest() -> Photo:
    """The photo whose record is the largest: key, id and topic as long as they may be."""
    (bound,) = (each.le for each in LimitSettings.model_fields["key_bytes"].metadata if hasattr(each, "le"))
    return photo(
        source=Source("t" * LONGEST_TOPIC, 2**31 - 1, 2**63 - 1),
        photo_id="\\" * LONGEST_ID,
        key=bytes(bound),
        traceparent="0" * 55,
    )


@pytest.mark.parametrize(
    "outcome",
    [
        prediction(LONG, photo=largest()),
        Rejection(photo=largest(), reason="payload_unavailable", detail="w" * 1_000),
    ],
)
def test_no_result_is_too_large_for_a_topic(outcome: Outcome) -> None:
    """So none is refused for its size where settings are Kafka's, whatever a sender has made of its photo.

    Where a topic takes less than that, the worker stops and says so (tests/worker/edges/test_producer.py).
    """
    record = output(outcome, recipe(), now=Moment(wall=2e9, steady=1e9), budget_ms=2**31)
    headers = sum(len(name) + len(value) for name, value in record.headers)
    assert len(record.key or b"") + len(record.value) + headers < TAKEN / 3
