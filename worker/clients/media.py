"""What kind of file some bytes are, as a media type: a courtesy, for the worker trusts only its decoder."""

from __future__ import annotations

import mimetypes

MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
)
UNKNOWN = "application/octet-stream"


def content_type_of(data: bytes, *, name: str = "") -> str:
    """Return the media type by the first bytes, else by the name's suffix, else `application/octet-stream`.

    >>> content_type_of(b"RIFF....WEBPVP8 "), content_type_of(b"?", name="a.jpg"), content_type_of(b"?")
    ('image/webp', 'image/jpeg', 'application/octet-stream')
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for magic, media_type in MAGIC:
        if data.startswith(magic):
            return media_type
    return mimetypes.guess_type(name)[0] or UNKNOWN
