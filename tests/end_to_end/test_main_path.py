"""A photo goes in through a real Kafka and comes out classified by a real Triton, exactly once."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest

from local.stack import Stack
from tests.end_to_end.harness import Reader, Worker, event, send, send_all, wait_until
from tests.end_to_end.records import check_order, check_valid
from worker.record import SLUGS, UNDETERMINED
from worker.topics import REJECTED

MANY = 300

pytestmark = pytest.mark.usefixtures("worker")


def test_every_example_ends_in_exactly_one_feed(
    stack: Stack, reader: Reader, examples: dict[str, bytes]
) -> None:
    """Each example photo: one record, schema-valid, Σp = 1 ± 1e-6, low ≤ p ≤ high."""
    sent = send_all(stack.kafka, [(data, event(name)) for name, data in examples.items()])
    seen = reader.until(len(sent))
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    check_valid(seen)
    check_order(seen)
    for each in seen:
        document = each.document
        assert list(document["continents"]) == list(SLUGS)
        estimates = document["continents"].values()
        assert sum(estimate["p"] for estimate in estimates) == pytest.approx(1, abs=1e-6)
        assert all(estimate["low"] <= estimate["p"] <= estimate["high"] for estimate in estimates)
        assert document["decision"] in (*SLUGS, UNDETERMINED)
        assert document["timing"]["total_ms"] >= document["timing"]["infer_ms"]


def test_ids_in_are_ids_out(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """Hundreds of photos at full speed: none lost, none twice, in order per partition, keys kept."""
    photos = list(itertools.islice(itertools.cycle(examples.values()), MANY))
    sent = send_all(
        stack.kafka, [(data, event(f"many-{index}")) for index, data in enumerate(photos)], key=None
    )
    seen = reader.until(MANY, 120)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert {each.document["photo_id"] for each in seen} == {f"many-{index}" for index in range(MANY)}
    check_order(seen)
    check_valid(seen)


def test_key_trace_and_id_pass_through(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """What the sender gave to follow a photo by comes out with it."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    photo = next(iter(examples.values()))
    place = send(stack.kafka, photo, headers=event("traced", traceparent=trace), key=b"truck-7")
    (seen,) = reader.until(1)
    assert seen.source == place
    assert seen.key == b"truck-7"
    assert seen.headers["traceparent"] == trace
    assert seen.headers["ce_id"] == "traced/prediction"


def test_a_repeated_id_is_two_photos(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """Exactly once is by offset: the same event twice is two records."""
    photo = next(iter(examples.values()))
    sent = send_all(stack.kafka, [(photo, event("twin")), (photo, event("twin"))])
    seen = reader.until(2)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    assert [each.document["photo_id"] for each in seen] == ["twin", "twin"]


def test_a_record_without_headers_is_a_photo(
    stack: Stack, reader: Reader, examples: dict[str, bytes]
) -> None:
    """No CloudEvents headers at all: accepted, under topic/partition/offset."""
    topic, partition, offset = send(stack.kafka, next(iter(examples.values())))
    (seen,) = reader.until(1)
    assert seen.document["photo_id"] == f"{topic}/{partition}/{offset}"
    assert seen.topic != REJECTED


def test_the_same_photo_is_answered_alike(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """The answer depends on the photo, not on what it was batched with: p agrees within bf16's rounding."""
    photo = next(iter(examples.values()))
    others = list(examples.values())[1:8]
    send_all(stack.kafka, [(data, None) for data in (photo, *others, photo)])
    seen = reader.until(2 + len(others))
    by_offset = sorted(seen, key=lambda each: json.dumps(each.document["stage1"]))
    gaps = [
        max(abs(a.document["stage1"][slug] - b.document["stage1"][slug]) for slug in SLUGS)
        for a, b in itertools.pairwise(by_offset)
    ]
    assert min(gaps) < 0.01


def test_health_ready_and_metrics(worker: Worker) -> None:
    """The endpoints speak of what happened: counts in = counts out, nothing left in flight."""
    assert worker.ask("/live")[0] == 200
    assert worker.ask("/ready")[0] == 200
    assert worker.ask("/nowhere")[0] == 404
    wait_until(lambda: worker.metric("pangaea_in_flight_photos") == 0, 10, "nothing in flight")
    out = worker.metric("pangaea_photos_published_total") + worker.metric("pangaea_photos_rejected_total")
    assert worker.metric("pangaea_photos_consumed_total") == out
