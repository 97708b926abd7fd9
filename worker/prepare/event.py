"""A record's headers → who the photo is: CloudEvents 1.0 in Kafka's binary content mode.

All of the required headers or none of them: a producer that sends some has a bug, and a photo under a made-up
identity would hide it. With none (a lone `content-type` or `traceparent` counts as none) the photo is named
by its place in the topic. Attributes that Pangaea does not know are ignored, as CloudEvents asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from worker.errors import Reject
from worker.record import Source

Header = tuple[str, bytes | str | None]

SPEC_VERSION: Final = "1.0"
PHOTO_TYPE: Final = "pangaea.photo.v1"
LONGEST_ID: Final = 256
"""Characters; the id travels into the output's `ce_id`, logs and file names of those who read it."""

_REQUIRED: Final = ("ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time", "content-type")
_LONGEST_BYTES: Final = {
    **dict.fromkeys(_REQUIRED, 1_024),
    "ce_dataref": 2_048,
    "ce_captiontext": 16_384,
    "ce_languagetag": 1_024,
    "ce_timezone": 1_024,
}
"""The attributes that are read, each with the most bytes that its value may have."""

_RFC_3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt]"
    r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,12})?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STRUCTURED: Final = b"application/cloudevents"


@dataclass(frozen=True, slots=True)
class Event:
    """What the headers say of a photo: `dataref` is where its bytes are, None when they are in the record.

    `caption`, `language` and `timezone` are as the sender wrote them; they may be anything, so that they are
    in no repr, which a log or a traceback might show.
    """

    photo_id: str
    content_type: str | None
    dataref: str | None
    traceparent: str | None
    caption: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    timezone: str | None = field(default=None, repr=False)


def fallback_id(source: Source) -> str:
    """Name a photo by its place, where its headers do not (or cannot be believed).

    >>> fallback_id(Source("photos", 3, 41))
    'photos/3/41'
    """
    return f"{source.topic}/{source.partition}/{source.offset}"


def read(source: Source, headers: Sequence[Header] | None, *, value_bytes: int = 0) -> Event:
    """Read the headers of one record.

    Args:
        source: where the record lies; its name when it has no other.
        headers: as the Kafka client gives them, in any order, repeated names included.
        value_bytes: the size of the record's value; with a reference to other bytes it must be 0.

    Raises:
        Reject: bad_event, with what is wrong; never with what a header says.
    """
    given = list(headers or ())
    traceparent = _traceparent(given)
    if not any(name.startswith("ce_") for name, _ in given):
        return Event(fallback_id(source), _lone_content_type(given), None, traceparent)
    attributes = _attributes(given)
    missing = [name for name in _REQUIRED if name not in attributes]
    if missing:
        raise _bad(f"The event lacks {', '.join(missing)}")
    _check(attributes)
    dataref = attributes.get("ce_dataref")
    if dataref is not None and value_bytes:
        raise _bad("The event has both a value and ce_dataref, and only one of them can be the photo")
    return Event(
        attributes["ce_id"],
        attributes["content-type"],
        dataref,
        traceparent,
        caption=attributes.get("ce_captiontext"),
        language=attributes.get("ce_languagetag"),
        timezone=attributes.get("ce_timezone"),
    )


def _attributes(headers: Sequence[Header]) -> dict[str, str]:
    """The attributes that are read, as text; each at most once, within its size, UTF-8 and printable."""
    attributes: dict[str, str] = {}
    for name, value in headers:
        if name not in _LONGEST_BYTES:
            continue
        if name in attributes:
            raise _bad(f"The header {name} is there twice")
        if value is None:
            raise _bad(f"The header {name} has no value")
        try:
            raw = value.encode() if isinstance(value, str) else value
            text = raw.decode()
        except UnicodeError:
            raise _bad(f"The header {name} is not UTF-8") from None
        if not 1 <= len(raw) <= _LONGEST_BYTES[name]:
            raise _bad(f"The header {name} must have 1 to {_LONGEST_BYTES[name]} bytes")
        # Captions are prose, with line breaks; everything else ends up in one-line places.
        if name != "ce_captiontext" and not text.isprintable():
            raise _bad(f"The header {name} has characters that cannot be printed")
        attributes[name] = text
    return attributes


def _check(attributes: dict[str, str]) -> None:
    if attributes["ce_specversion"] != SPEC_VERSION:
        raise _bad(f"ce_specversion must be {SPEC_VERSION}")
    if attributes["ce_type"] != PHOTO_TYPE:
        raise _bad(f"ce_type must be {PHOTO_TYPE}")
    if len(attributes["ce_id"]) > LONGEST_ID:
        raise _bad(f"ce_id must have at most {LONGEST_ID} characters")
    if not _is_time(attributes["ce_time"]):
        raise _bad("ce_time must be a time by RFC 3339, like 2026-11-21T09:00:00Z")


def _is_time(text: str) -> bool:
    """Tell whether this is RFC 3339, leap seconds and nanoseconds included, which datetime does not take."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def _lone_content_type(headers: Sequence[Header]) -> str | None:
    """The content type of a record that is no event. It decides nothing, so a broken one is just dropped."""
    values = [value for name, value in headers if name == "content-type"]
    if len(values) != 1 or values[0] is None:
        return None
    raw = values[0].encode(errors="replace") if isinstance(values[0], str) else values[0]
    if raw.lower().startswith(_STRUCTURED):
        raise _bad("The event is in structured mode: send it in binary mode, with the image as the value")
    text = raw[: _LONGEST_BYTES["content-type"] + 1].decode("ascii", errors="replace")
    return (
        text if raw.isascii() and text.isprintable() and len(text) <= _LONGEST_BYTES["content-type"] else None
    )


def _traceparent(headers: Sequence[Header]) -> str | None:
    """The trace context, passed through; one that is malformed or repeated is ignored, as W3C asks."""
    values = [value for name, value in headers if name == "traceparent"]
    if len(values) != 1 or values[0] is None:
        return None
    value = values[0]
    text = value if isinstance(value, str) else value[:64].decode("ascii", errors="replace")
    return text if _TRACEPARENT.fullmatch(text) else None


def _bad(what: str) -> Reject:
    return Reject("bad_event", f"{what}.")
