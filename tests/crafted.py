"""Image files made byte by byte, for what Pillow cannot (or would rather not) write."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
LARGEST_WHOLE = 60_000_000
"""Pixels up to which a crafted PNG is complete."""
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def scene(width: int = 640, height: int = 480) -> Image.Image:
    """A picture with sky, ground, edges and grain; the same one every time, and different in each corner."""
    return Image.fromarray(_scene(width, height))


@cache
def _scene(width: int, height: int) -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / width, y / height
    red = 60 + 150 * u + 30 * np.sin(12 * v)
    green = 180 - 120 * v + 30 * np.sin(20 * u * v)
    blue = np.where(v < 0.45 + 0.1 * np.sin(7 * u), 220 - 90 * v, 40 + 60 * u)
    grain = np.random.default_rng(7).normal(0, 4, (height, width, 1))
    picture = np.stack([red, green, blue], axis=-1) + grain
    return np.clip(picture, 0, 255).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of this kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = RGB,
    raw: bytes | None = None,
    extra: bytes = b"",
) -> bytes:
    """A PNG; `raw` = rows without filter bytes (black when None), `extra` = chunks before the data."""
    row = (width * _CHANNELS[colour] * depth + 7) // 8
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    if raw is None:
        # Of a bomb, the beginning is enough: nothing should read even that.
        most = 1024 * 1024 if width * height > LARGEST_WHOLE else (row + 1) * height
        data = deflated_zeros(min((row + 1) * height, most))
    else:
        data = zlib.compress(b"".join(b"\0" + raw[at : at + row] for at in range(0, row * height, row)))
    return PNG_MAGIC + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def deflated_zeros(count: int) -> bytes:
    """That many zeros, deflated, without ever holding them all."""
    packer, block = zlib.compressobj(), bytes(1024 * 1024)
    parts = [packer.compress(block[: count - at]) for at in range(0, count, len(block))]
    return b"".join([*parts, packer.flush()])


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Put a segment right behind the start of a JPEG."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def with_exif(jpeg: bytes, tiff: bytes) -> bytes:
    """Put an EXIF segment into a JPEG."""
    return with_segment(jpeg, 0xE1, b"Exif\0\0" + tiff)


def directory(entries: list[tuple[int, int, int, int]], *, count: int | None = None, after: int = 0) -> bytes:
    """A little-endian TIFF structure of one directory at 8: (tag, type, values, value or offset) each."""
    listed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0"
        + struct.pack("<IH", 8, len(entries) if count is None else count)
        + listed
        + struct.pack("<I", after)
    )


def tiff(
    width: int, height: int, *extra: tuple[int, int, int, int], after: int = 0, packing: int = 1
) -> bytes:
    """A grey TIFF of one strip of zeros, with further tags; `packing` is its compression, 1 for none."""
    basic = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, packing), (262, 3, 1, 1)]
    size = 8 + 2 + 12 * (len(basic) + 2 + len(extra)) + 4
    strips = [(273, 4, 1, size), (279, 4, 1, min(width * height, 100_000))]
    # The tags in order, as the format wants them.
    return directory(sorted([*basic, *strips, *extra]), after=after) + bytes(min(width * height, 100_000))


def repeated_scans(jpeg: bytes, times: int) -> bytes:
    """A progressive JPEG whose last scan is there many times: each costs a pass over the whole image."""
    scan = jpeg.rindex(b"\xff\xda")
    return jpeg[:scan] + jpeg[scan:-2] * times + jpeg[-2:]


def adobe_rgb(jpeg: bytes) -> bytes:
    """Of a JPEG that holds RGB, one that only Adobe's segment says so of, and not its component names."""
    data = bytearray(jpeg)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    data[frame + 10 : frame + 19 : 3] = data[scan + 5 : scan + 11 : 2] = b"\1\2\3"
    return with_segment(bytes(data), 0xEE, b"Adobe\0\x64\0\0\0\0\0")
