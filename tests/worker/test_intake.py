"""The envelope: identity, deadline, and what its flaws lead to."""

from __future__ import annotations

import pytest

from tests.end_to_end.harness import event
from worker.edges.consumer import Record
from worker.intake import intake
from worker.record import Moment, Source
from worker.settings import DeadlineSettings, LimitSettings

NOW, STEADY = 1_000_000.0, 5_000.0
HERE = Moment(wall=NOW, steady=STEADY)
LIMIT = LimitSettings(photo_bytes=1_024)
DEADLINE = DeadlineSettings()


def record(
    value: bytes | None = b"x",
    timestamp: float | None = NOW - 0.05,
    headers: tuple[tuple[str, bytes], ...] | None = (),
) -> Record:
    """A record at photos/2/7."""
    return Record(
        source=Source("photos", 2, 7),
        key=b"k",
        value=value,
        headers=headers,
        timestamp=timestamp,
    )


def test_the_deadline_counts_from_the_records_timestamp() -> None:
    """Time that a photo spent waiting in Kafka is part of its 200 ms."""
    photo = intake(record(), now=HERE, limit=LIMIT, deadline=DEADLINE).photo
    assert photo.begun == pytest.approx(STEADY - 0.05)
    assert photo.deadline == pytest.approx(STEADY + 0.15)


@pytest.mark.parametrize("timestamp", [None, NOW + 61, NOW - 8 * 24 * 3_600])
def test_an_absurd_timestamp_counts_from_arrival(timestamp: float | None) -> None:
    """From the future, from last month or missing: the deadline counts from arrival, and that is said."""
    taken = intake(record(timestamp=timestamp), now=HERE, limit=LIMIT, deadline=DEADLINE)
    assert taken.absurd
    assert taken.photo.deadline == pytest.approx(STEADY + 0.2)


WEEK = 7 * 24 * 3_600


@pytest.mark.parametrize(
    ("timestamp", "absurd", "age"),
    [
        (NOW + 60, False, 0),
        (NOW + 60.001, True, 0),
        (NOW - WEEK, False, WEEK),
        (NOW - WEEK - 0.001, True, 0),
        (NOW, False, 0),
    ],
)
def test_where_belief_ends(timestamp: float, absurd: bool, age: float) -> None:
    """A minute ahead and a week old are believed to the millisecond; what is ahead counts from arrival."""
    taken = intake(record(timestamp=timestamp), now=HERE, limit=LIMIT, deadline=DEADLINE)
    assert taken.absurd is absurd
    assert taken.photo.begun == STEADY - age


def test_without_headers_the_place_is_the_id() -> None:
    """A plain record is welcome; its id is topic/partition/offset."""
    taken = intake(record(), now=HERE, limit=LIMIT, deadline=DEADLINE)
    assert (taken.photo.photo_id, taken.rejection) == ("photos/2/7", None)


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"", {}, "empty"),
        (None, {}, "empty"),
        (b"x" * 1_025, {}, "too_large"),
        (b"x", {"ce_id": b"lonely"}, "bad_event"),
    ],
)
def test_what_the_envelope_alone_condemns(
    value: bytes | None, headers: dict[str, bytes], reason: str
) -> None:
    """Empty, tombstone, oversize and half an event are rejected before anything is decoded."""
    rejection = intake(
        record(value, headers=tuple(headers.items())), now=HERE, limit=LIMIT, deadline=DEADLINE
    ).rejection
    assert rejection is not None
    assert rejection.reason == reason
    assert rejection.photo.payload == b""


def test_a_header_name_that_cannot_be_read() -> None:
    """Other clients can send a name that is not UTF-8: a bad event, under the record's place."""
    rejection = intake(record(headers=None), now=HERE, limit=LIMIT, deadline=DEADLINE).rejection
    assert rejection is not None
    assert (rejection.reason, rejection.photo.photo_id) == ("bad_event", "photos/2/7")


def test_a_clock_that_is_ahead_buys_no_time() -> None:
    """Within the tolerated skew the deadline is never later than arrival + budget."""
    photo = intake(record(timestamp=NOW + 50), now=HERE, limit=LIMIT, deadline=DEADLINE).photo
    assert photo.deadline == pytest.approx(STEADY + 0.2)


def test_a_key_that_no_result_could_carry() -> None:
    """A key beyond its limit is a bad event, told under no key."""
    large = Record(source=Source("photos", 2, 7), key=b"k" * 16_385, value=b"x", headers=(), timestamp=NOW)
    taken = intake(large, now=HERE, limit=LIMIT, deadline=DEADLINE)
    assert taken.rejection is not None
    assert (taken.rejection.reason, taken.photo.key) == ("bad_event", None)


def test_what_the_sender_tells_of_the_photo_travels_with_it_and_no_further() -> None:
    """Caption, language and time zone reach the evidence; an outcome keeps none of them, nor shows a repr."""
    told = {"ce_captiontext": "A harbour", "ce_languagetag": "ja", "ce_timezone": "Asia/Tokyo"}
    headers = tuple((name, str(text).encode()) for name, text in event("a", **told))
    photo = intake(record(headers=headers), now=HERE, limit=LIMIT, deadline=DEADLINE).photo
    assert (photo.caption, photo.language, photo.timezone) == tuple(told.values())
    assert not any(text in repr(photo) for text in told.values())
    left = photo.emptied()
    assert (left.payload, left.caption, left.language, left.timezone) == (b"", None, None, None)
