"""Bad and unusual photos: each ends in one record, with the right reason, and the worker goes on."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from local.stack import Stack
from tests import hostile
from tests.end_to_end.harness import Headers, Reader, Seen, Worker, event, send, send_all
from tests.end_to_end.records import check_order, check_valid
from worker.record import SLUGS
from worker.topics import REJECTED

pytestmark = pytest.mark.usefixtures("worker")


def reason_of(seen: Seen) -> str | None:
    """Why a photo was rejected, None when it was classified."""
    return str(seen.document["reason"]) if seen.topic == REJECTED else None


def test_the_whole_corpus(stack: Stack, reader: Reader, worker: Worker) -> None:
    """Every hostile file: one record, the reason that the corpus names, in order; and the worker lives on."""
    corpus = hostile.corpus()
    sent = send_all(stack.kafka, [(item.data, event(item.name)) for item in corpus])
    seen = reader.until(len(sent), 120)
    assert Counter(each.source for each in reader.idle()) == Counter(sent)
    check_valid(seen)
    check_order(seen)
    wrong = {
        each.document["photo_id"]: reason_of(each)
        for each in seen
        if reason_of(each) != hostile.by_name(each.document["photo_id"]).reason
    }
    assert wrong == {}
    assert worker.ask("/live")[0] == 200


def test_orientations_give_one_answer(stack: Stack, reader: Reader) -> None:
    """The same picture stored in all eight EXIF orientations is answered as the same picture."""
    photos = [hostile.by_name(f"orientation_{number}").data for number in range(1, 9)]
    send_all(stack.kafka, [(data, None) for data in photos])
    answers = [each.document["stage1"] for each in reader.until(len(photos))]
    for slug in SLUGS:
        values = [answer[slug] for answer in answers]
        assert max(values) - min(values) < 0.03  # turned JPEGs differ by their blocks, engines by rounding


GOOD = event("bad-header")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(GOOD[:3], id="some required ones missing"),
        pytest.param([("ce_id", "only")], id="one alone"),
        pytest.param([("ce_specversion", "0.3"), *GOOD[1:]], id="another version"),
        pytest.param([*GOOD[:4], ("ce_time", "yesterday"), GOOD[5]], id="no time"),
        pytest.param([GOOD[0], GOOD[1], ("ce_id", b"\xff\xfe"), *GOOD[3:]], id="not UTF-8"),
        pytest.param([GOOD[0], GOOD[1], ("ce_id", "x" * 5_000), *GOOD[3:]], id="an id without end"),
        pytest.param([GOOD[0], GOOD[1], ("ce_id", None), *GOOD[3:]], id="a null id"),
    ],
)
def test_half_an_event_is_a_bad_event(
    stack: Stack, reader: Reader, examples: dict[str, bytes], headers: Headers
) -> None:
    """CloudEvents headers are all there and well-formed, or the record is rejected under its place."""
    place = send(stack.kafka, next(iter(examples.values())), headers=headers)
    (seen,) = reader.until(1)
    assert seen.source == place
    assert seen.document["reason"] == "bad_event"
    assert seen.document["photo_id"] == "/".join(map(str, place))
    check_valid([seen])


def test_a_tombstone_is_empty(stack: Stack, reader: Reader) -> None:
    """A null value, with headers and without: rejected as empty."""
    send_all(stack.kafka, [(None, event("tombstone")), (None, None)], key=b"gone")
    assert [reason_of(each) for each in reader.until(2)] == ["empty", "empty"]


def test_a_key_that_no_result_could_carry(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """A key of two megabytes is a bad event, told under no key: it does not stop its partition."""
    photo = next(iter(examples.values()))
    send(stack.kafka, photo, key=b"k" * 2_000_000, partition=0)
    send(stack.kafka, photo, key=b"k" * 16_384, partition=0)
    large, small = reader.until(2)
    assert (large.document["reason"], large.key) == ("bad_event", None)
    assert small.topic != REJECTED
    assert len(small.key or b"") == 16_384


def test_a_wrong_content_type_does_not_matter(
    stack: Stack, reader: Reader, examples: dict[str, bytes]
) -> None:
    """The bytes decide what a photo is, whatever the header says."""
    headers: Headers = [*event("mislabelled")[:5], ("content-type", "text/html")]
    send(stack.kafka, next(iter(examples.values())), headers=headers)
    (seen,) = reader.until(1)
    assert seen.topic != REJECTED


def test_references_are_off(stack: Stack, reader: Reader) -> None:
    """Without an allow-list every reference is forbidden, and nothing is fetched."""
    send(stack.kafka, b"", headers=event("by-reference", ce_dataref="file:///etc/passwd"))
    (seen,) = reader.until(1)
    assert seen.document["reason"] == "payload_forbidden"
    assert "passwd" not in seen.raw.decode()


def test_timestamps_that_cannot_be_true(
    stack: Stack, reader: Reader, worker: Worker, examples: dict[str, bytes]
) -> None:
    """A photo from 1970 or from the next half hour is classified, its deadline counts from arrival.

    The broker itself refuses what is more than an hour ahead.
    """
    before = worker.metric("pangaea_timestamps_absurd_total")
    photo = next(iter(examples.values()))
    for timestamp in (1, int((time.time() + 1_800) * 1_000)):
        send(stack.kafka, photo, timestamp=timestamp)
    seen = reader.until(2)
    assert all(each.document["timing"]["total_ms"] < 5_000 for each in seen)
    assert worker.metric("pangaea_timestamps_absurd_total") == before + 2
