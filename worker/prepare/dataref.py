"""Where a photo by reference lies, and whether the worker may go there: an allow-list of places.

A reference comes from outside, so it is read strictly: anything that two programs could understand
differently (dot segments, encoded slashes, user names, ports, queries) is refused rather than normalised.

>>> places = tuple(map(parse, ("s3://photos/2026/", "file:///srv/photos/")))
>>> within(parse("s3://photos/2026/11/a.jpg"), places).bucket
'photos'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote

from worker.errors import Reject

Scheme = Literal["s3", "file"]

_SHAPE: Final = re.compile(r"(s3|file)://([^/]*)/(.*)")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What a percent sign may hide: a dot, a slash, a backslash, another percent sign, a control character.
_HIDING: Final = re.compile(r"%(2e|2f|5c|25|7f|[01][0-9a-f])|%(?![0-9a-f]{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A scheme, a bucket (empty for files) and path segments, none of them empty, `.` or `..`."""

    scheme: Scheme
    bucket: str
    segments: tuple[str, ...]

    @property
    def key(self) -> str:
        """The path as stores spell it: no leading slash."""
        return "/".join(self.segments)


def parse(reference: str) -> Place:
    """Read a reference, or a prefix of references (which may end in a slash).

    Raises:
        Reject: payload_forbidden, when it is anything but the plainest form of its scheme.
    """
    match = _SHAPE.fullmatch(reference)
    if match is None:
        raise _forbidden("is not an s3:// or file:// reference with a path")
    scheme, bucket, path = match.groups()
    if any(mark in path for mark in "?#\\") or _HIDING.search(path):
        raise _forbidden("has a query, a fragment, a backslash or an encoding that hides one")
    if not (bucket == "" if scheme == "file" else _BUCKET.fullmatch(bucket)):
        raise _forbidden("names a host, a user, a port or a bucket that cannot be")
    try:
        text = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise _forbidden("is not UTF-8") from None
    segments = tuple(text.removesuffix("/").split("/")) if text else ()
    if not text.isprintable() or any(segment in {"", ".", ".."} for segment in segments):
        raise _forbidden("has a path with empty, dot or unprintable segments")
    return Place(cast("Scheme", scheme), bucket, segments)


def within(place: Place, allowed: Iterable[Place]) -> Place:
    """Return the allowed prefix that holds the place; whole segments only, and never the prefix itself.

    Raises:
        Reject: payload_forbidden, when none does.
    """
    for prefix in allowed:
        deep = len(prefix.segments)
        if (
            (prefix.scheme, prefix.bucket) == (place.scheme, place.bucket)
            and place.segments[:deep] == prefix.segments
            and len(place.segments) > deep
        ):
            return prefix
    raise _forbidden("leads outside the places that are allowed")


def _forbidden(what: str) -> Reject:
    return Reject("payload_forbidden", f"The reference {what}.")
