"""What the headers of a record are read as, and which of them cost the photo its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Reject
from worker.prepare.event import Event, Header, fallback_id, read
from worker.record import Source

SOURCE = Source("photos", 3, 41)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOOD: dict[str, bytes | str | None] = {
    "ce_specversion": b"1.0",
    "ce_type": b"pangaea.photo.v1",
    "ce_id": b"a1",
    "ce_source": b"/cameras/7",
    "ce_time": b"2026-11-21T09:00:00.120Z",
    "content-type": b"image/jpeg",
}


def headers(**changes: bytes | str | None) -> list[Header]:
    """Good headers with some changed; underscores after `ce_` are the header's own."""
    return list(
        (GOOD | {name.replace("content_type", "content-type"): v for name, v in changes.items()}).items()
    )


def refused(given_headers: list[Header], *, value_bytes: int = 0) -> str:
    """The sentence with which these headers are rejected as bad_event."""
    with pytest.raises(Reject) as caught:
        read(SOURCE, given_headers, value_bytes=value_bytes)
    assert caught.value.reason == "bad_event"
    return caught.value.detail


def test_a_whole_event_is_read() -> None:
    """Every attribute that the path needs comes out of a complete event."""
    event = read(SOURCE, [*headers(), ("traceparent", TRACE.encode())], value_bytes=5)
    assert event == Event("a1", "image/jpeg", None, TRACE)


@pytest.mark.parametrize(
    "none",
    [
        None,
        [],
        [("content-type", b"image/png")],
        [("traceparent", TRACE)],
        [("x-shop", b"\xff"), ("CE_ID", b"a")],
    ],
)
def test_no_event_headers_name_the_photo_by_its_place(none: list[Header] | None) -> None:
    """A record without CloudEvents headers is accepted, a lone content type or trace notwithstanding."""
    assert read(SOURCE, none, value_bytes=5).photo_id == fallback_id(SOURCE) == "photos/3/41"


@pytest.mark.parametrize("name", list(GOOD))
def test_some_required_headers_but_not_all_are_a_bad_event(name: str) -> None:
    """Leaving out any one required header rejects the event and names the header."""
    assert name in refused([header for header in headers() if header[0] != name])


def test_an_extension_alone_is_a_bad_event() -> None:
    """One ce_ header, even an unknown one, says that this is meant to be an event."""
    assert "ce_id" in refused([("ce_shop", b"7")])
    assert "ce_id" in refused([("ce_dataref", b"s3://bucket/key")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_specversion", b"1.0 "),
        ("ce_type", b"pangaea.photo.v2"),
        ("ce_id", b""),
        ("ce_id", b"\xff\xfe"),
        ("ce_id", "\ud800"),
        ("ce_id", b"a\nb"),
        ("ce_id", b"a\x00b"),
        ("ce_id", "a\u202eb"),
        ("ce_id", None),
        ("ce_id", b"x" * 257),
        ("ce_id", "é".encode() * 257),
        ("ce_source", b""),
        ("ce_source", b"x" * 1_025),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-11-21"),
        ("ce_time", b"2026-11-21T09:00:00"),
        ("ce_time", b"2026-11-21 09:00:00Z"),
        ("ce_time", b"2026-02-30T09:00:00Z"),
        ("ce_time", b"2026-11-21T24:00:00Z"),
        ("ce_time", b"2026-11-21T09:00:00+24:00"),
        ("ce_time", "٢٠٢٦-11-21T09:00:00Z"),
        ("content_type", b""),
        ("content_type", b"\xff"),
        ("ce_captiontext", b"\xff"),
        ("ce_languagetag", b""),
        ("ce_dataref", b"s3://bucket/" + b"x" * 2_048),
        ("ce_dataref", b""),
    ],
)
def test_a_malformed_header_is_a_bad_event(name: str, value: bytes | str | None) -> None:
    """Each malformed value is rejected with a sentence that names the header and does not quote it."""
    detail = refused(headers(**{name: value}))
    assert name.replace("content_type", "content-type") in detail
    assert detail.endswith(".")
    assert "yesterday" not in detail


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21T09:00:00Z",
        "2026-11-21t09:00:00.123456789z",
        "2016-12-31T23:59:60Z",
        "2024-02-29T00:00:00-08:30",
    ],
)
def test_every_time_of_rfc_3339_is_taken(time: str) -> None:
    """Lower case, nanoseconds, leap seconds and leap days are all RFC 3339."""
    assert read(SOURCE, headers(ce_time=time)).photo_id == "a1"


def test_the_longest_id_is_taken_whole() -> None:
    """256 characters are allowed, of several bytes each."""
    identity = "é" * 256
    assert read(SOURCE, headers(ce_id=identity)).photo_id == identity


def test_a_repeated_header_is_a_bad_event() -> None:
    """Two ids, or two content types, are not one event."""
    assert "twice" in refused([*headers(), ("ce_id", b"a2")])
    assert "twice" in refused([*headers(), ("content-type", b"image/png")])


def test_unknown_extensions_are_ignored() -> None:
    """Whatever another system adds, even broken and repeated, does not cost the photo its place."""
    extra: list[Header] = [("ce_shop", b"\xff"), ("ce_shop", None), ("ce_empty", b"")]
    assert read(SOURCE, [*headers(), *extra]).photo_id == "a1"


def test_a_caption_may_have_lines() -> None:
    """A caption is prose: its line breaks are no reason to reject."""
    assert read(SOURCE, headers(ce_captiontext="one\ntwo", ce_languagetag="de-CH")).photo_id == "a1"


def test_a_reference_stands_for_the_bytes_and_not_beside_them() -> None:
    """With ce_dataref the value must be empty: two photos in one record are one too many."""
    assert read(SOURCE, headers(ce_dataref=b"s3://bucket/key")).dataref == "s3://bucket/key"
    assert "ce_dataref" in refused(headers(ce_dataref=b"s3://bucket/key"), value_bytes=1)


@pytest.mark.parametrize("trace", [b"nonsense", TRACE.upper().encode(), TRACE.encode() + b"0", b"\xff", None])
def test_a_broken_trace_context_is_dropped(trace: bytes | None) -> None:
    """W3C: a malformed traceparent is ignored, not an error."""
    assert read(SOURCE, [*headers(), ("traceparent", trace)]).traceparent is None


@pytest.mark.parametrize("value", [b"\xff", None, b"image/jpeg\n", b"x" * 2_000])
def test_a_broken_lone_content_type_is_dropped(value: bytes | None) -> None:
    """Without an event the content type decides nothing, so nothing is rejected for it."""
    assert read(SOURCE, [("content-type", value)]).content_type is None


def test_structured_mode_is_named() -> None:
    """An event whose attributes are in the value gets a sentence that says so, not a decoding error."""
    assert "structured mode" in refused([("content-type", b"application/cloudevents+json; charset=UTF-8")])


def test_what_a_sender_tells_is_in_no_repr() -> None:
    """A log line or a traceback that shows an event shows neither caption, language nor time zone."""
    event = read(
        SOURCE,
        headers(ce_captiontext="Anna in Lausanne", ce_languagetag="rm-CH", ce_timezone="Europe/Zurich"),
    )
    assert (event.caption, event.language, event.timezone) == ("Anna in Lausanne", "rm-CH", "Europe/Zurich")
    assert [word for word in ("Anna", "Lausanne", "rm-CH", "Zurich") if word in repr(event)] == []
    assert "a1" in repr(event)


NAMES = st.sampled_from([*GOOD, "ce_dataref", "ce_captiontext", "traceparent", "ce_x", "y"])
VALUES = st.one_of(
    st.none(), st.binary(max_size=40), st.text(max_size=40), st.sampled_from(list(GOOD.values()))
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12), st.integers(0, 3))
def test_any_headers_are_read_or_rejected(given_headers: list[Header], value_bytes: int) -> None:
    """Law: whatever the headers are, there is an event with a usable id, or a bad_event; nothing else."""
    try:
        identity = read(SOURCE, given_headers, value_bytes=value_bytes).photo_id
    except Reject as reject:
        identity = reject.reason
    assert 1 <= len(identity) <= 256
    assert identity.isprintable()
