"""Which references the worker follows, and that it reads each of them in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import Reject
from worker.prepare.dataref import Place, parse, within

ALLOWED = (parse("s3://photos/2026/"), parse("file:///srv/photos"), parse("s3://whole-bucket/"))


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("s3://photos/2026/11/a.jpg", "2026/11/a.jpg"),
        ("s3://whole-bucket/a", "a"),
        ("s3://photos/2026/a%20b%C3%BC.jpg", "2026/a bü.jpg"),
        ("s3://photos/2026/a+b~.jpg", "2026/a+b~.jpg"),
        ("file:///srv/photos/a...b/..c", "srv/photos/a...b/..c"),
    ],
)
def test_an_allowed_reference_is_followed(reference: str, key: str) -> None:
    """A plain reference below an allowed prefix is decoded once and accepted."""
    place = parse(reference)
    within(place, ALLOWED)
    assert place.key == key


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "a.jpg",
        "/srv/photos/a.jpg",
        "https://photos/2026/a.jpg",
        "S3://photos/2026/a.jpg",
        "s3:photos/2026/a.jpg",
        "s3://photos",
        "s3://Photos/2026/a.jpg",
        "s3://photos:9000/2026/a.jpg",
        "s3://user@photos/2026/a.jpg",
        "s3://user:pass@photos/2026/a.jpg",
        "s3://photos/2026/a.jpg?versionId=1",
        "s3://photos/2026/a.jpg#x",
        "s3://photos/2026//a.jpg",
        "s3://photos/2026/./a.jpg",
        "s3://photos/2026/../secret/a.jpg",
        "s3://photos/2026/%2e%2e/secret/a.jpg",
        "s3://photos/2026/.%2E/secret/a.jpg",
        "s3://photos/2026/..%2fsecret",
        "s3://photos/2026/..%5csecret",
        "s3://photos/2026/..\\secret",
        "s3://photos/2026/%252e%252e/secret",
        "s3://photos/2026/a%00.jpg",
        "s3://photos/2026/a%0a.jpg",
        "s3://photos/2026/a\n.jpg",
        "s3://photos/2026/a%ff.jpg",
        "s3://photos/2026/a%2.jpg",
        "s3://photos/2026/a%zz.jpg",
        "s3://photos/2026/a%E2%80%AEb",
        "file://localhost/srv/photos/a.jpg",
        "file://srv/photos/a.jpg",
        "file:///srv/photos/../../etc/passwd",
    ],
)
def test_anything_that_could_be_read_in_two_ways_is_forbidden(reference: str) -> None:
    """Traversal, hidden encodings, hosts, ports, queries: forbidden before any place is looked at."""
    with pytest.raises(Reject) as caught:
        within(parse(reference), ALLOWED)
    assert caught.value.reason == "payload_forbidden"
    assert "a.jpg" not in caught.value.detail
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    "reference",
    [
        "s3://photos/2025/a.jpg",
        "s3://photos/20266/a.jpg",
        "s3://photos/2026",
        "s3://photos/2026/",
        "s3://photos2/2026/a.jpg",
        "file:///srv/photos",
        "file:///srv/photos-private/a.jpg",
        "file:///etc/passwd",
    ],
)
def test_outside_the_allowed_places_is_forbidden(reference: str) -> None:
    """A prefix holds whole segments: its neighbours that share its letters are outside."""
    with pytest.raises(Reject) as caught:
        within(parse(reference), ALLOWED)
    assert caught.value.reason == "payload_forbidden"


def test_nothing_is_allowed_by_default() -> None:
    """With an empty list every reference is forbidden."""
    with pytest.raises(Reject):
        within(parse("s3://photos/2026/a.jpg"), ())


TRICKY = st.lists(
    st.sampled_from(
        ["..", ".", "/", "\\", "%2e", "%2F", "%", "25", "2e", "srv", "photos", "a", "\0", "?", "@"]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(TRICKY, st.text(max_size=30)))
def test_no_reference_escapes(tail: str) -> None:
    """Law: whatever follows an allowed prefix, the place is below it or the reference is forbidden."""
    try:
        place = parse(f"file:///srv/photos/{tail}")
        within(place, ALLOWED)
    except Reject as reject:
        place = Place("file", "", ("srv", "photos", reject.reason))
    assert place.segments[:2] == ("srv", "photos")
    assert not {"", ".", ".."} & set(place.segments)
    assert not any(mark in place.key for mark in "\\\0")
