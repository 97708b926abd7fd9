"""From a Kafka record to a Photo: its envelope read, its deadline set. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from worker.edges.consumer import Record
from worker.errors import Reject
from worker.prepare.event import Event, fallback_id, read
from worker.record import Moment, Photo, Rejection
from worker.settings import DeadlineSettings, LimitSettings


class Intake(NamedTuple):
    """A photo to work on, or one that its envelope alone condemns; `absurd`: its timestamp cannot be true."""

    photo: Photo
    rejection: Rejection | None
    absurd: bool


def intake(record: Record, *, now: Moment, limit: LimitSettings, deadline: DeadlineSettings) -> Intake:
    """Read the record's envelope; `now` is its arrival.

    The deadline counts from the record's timestamp. One from the future, from too long ago, or none at all
    says nothing about how long the sender has waited: then it counts from the arrival.
    """
    age, absurd = _age(record.timestamp, now=now.wall, deadline=deadline)
    begun = now.steady - age
    # Who cannot be read is named by its place.
    event = Event(fallback_id(record.source), None, None, None)
    flaw: Reject | None = None
    try:
        event = _event(record)
        _check(record, event.dataref, limit)
    except Reject as reject:
        flaw = reject
    photo = Photo(
        source=record.source,
        photo_id=event.photo_id,
        key=record.key if _key_fits(record, limit) else None,
        payload=record.value or b"",
        dataref=event.dataref,
        traceparent=event.traceparent,
        begun=begun,
        deadline=begun + deadline.budget_ms / 1000,
        caption=event.caption,
        language=event.language,
        timezone=event.timezone,
    )
    if flaw is None:
        return Intake(photo, None, absurd)
    return Intake(photo, Rejection(photo=photo.emptied(), reason=flaw.reason, detail=flaw.detail), absurd)


def _event(record: Record) -> Event:
    if record.headers is None:
        raise Reject("bad_event", "The name of a header is not UTF-8.")
    return read(record.source, record.headers, value_bytes=len(record.value or b""))


def _age(timestamp: float | None, *, now: float, deadline: DeadlineSettings) -> tuple[float, bool]:
    """Return how many seconds the photo has waited at `now`, and whether its timestamp cannot be true."""
    if timestamp is None:
        return 0.0, True
    age = now - timestamp
    if -deadline.skew_ms <= age * 1000 <= deadline.oldest_ms:
        # A clock that is a little ahead must not buy its photos a longer deadline.
        return max(0.0, age), False
    return 0.0, True


def _check(record: Record, dataref: str | None, limit: LimitSettings) -> None:
    if not _key_fits(record, limit):
        raise Reject("bad_event", f"The record's key is larger than {limit.key_bytes} bytes.")
    size = len(record.value or b"")
    if dataref is None and not size:
        raise Reject("empty", "The record has no image bytes.")
    if size > limit.photo_bytes:
        raise Reject("too_large", f"The photo is larger than {limit.photo_bytes} bytes.")


def _key_fits(record: Record, limit: LimitSettings) -> bool:
    """Whether the result can carry the key: one that a broker will not take would stop the partition."""
    return len(record.key or b"") <= limit.key_bytes
