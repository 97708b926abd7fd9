"""Laws of the decoder: whatever the bytes, there is a picture of the right shape or a Reject."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crafted import encoded, scene, with_exif
from tests.hostile import upright
from worker.errors import Reject
from worker.prepare import container, tiff
from worker.prepare.decode import DecodeLimits, Target, decode

LIMITS = DecodeLimits(pixels=4_000_000, side=8_000)
TARGET = Target(size=64, crop=0.875)
REASONS = {"empty", "unsupported_format", "truncated", "undecodable", "too_many_pixels"}
MAGICS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\1\0\0WEBP",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"",
)


@cache
def seeds() -> tuple[bytes, ...]:
    """A small valid file of each kind, some with EXIF."""
    picture = scene(48, 40)
    plain = [encoded(picture, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")]
    exif = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 0x0112, 3, 1, 6, 0)
    others = [
        encoded(picture, "JPEG", progressive=True),
        encoded(picture, "TIFF", compression="tiff_lzw"),
        encoded(picture.quantize(16), "PNG", transparency=3),
        encoded(picture, "WEBP", lossless=True, exif=exif),
        encoded(picture.convert("CMYK"), "JPEG"),
        with_exif(plain[0], exif),
    ]
    return (*plain, *others)


def outcome(data: bytes) -> str:
    """`decoded`, or the reason; anything else raises and fails the law."""
    try:
        pixels = decode(data, LIMITS, TARGET).pixels
    except Reject as reject:
        assert reject.reason in REASONS  # noqa: PT017 - the law is about both ways out
        return reject.reason
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    return "decoded"


@given(st.sampled_from(MAGICS), st.binary(max_size=400))
@settings(max_examples=400)
def test_random_bytes_are_decoded_or_rejected(magic: bytes, tail: bytes) -> None:
    """Law: noise, even behind a right first few bytes, raises nothing but Reject."""
    outcome(magic + tail)


@given(st.data())
@settings(max_examples=400)
def test_flipped_bits_are_decoded_or_rejected(data: st.DataObject) -> None:
    """Law: a valid file with some bytes changed, cut out or doubled raises nothing but Reject."""
    whole = bytearray(data.draw(st.sampled_from(seeds())))
    for _ in range(data.draw(st.integers(1, 6))):
        # Most of the harm is in the headers, so half of the changes go there.
        highest = data.draw(st.sampled_from([min(200, len(whole) - 1), len(whole) - 1]))
        place = data.draw(st.integers(0, highest))
        change = data.draw(st.sampled_from(["set", "cut", "double"]))
        if change == "set":
            whole[place] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del whole[place : place + data.draw(st.integers(1, 8))]
        else:
            whole[place:place] = whole[place : place + data.draw(st.integers(1, 8))]
        if not whole:
            break
    outcome(bytes(whole))


@given(st.sampled_from(range(12)), st.floats(0, 1, exclude_max=True))
@settings(max_examples=300)
def test_a_beginning_is_never_mistaken_for_the_whole(index: int, part: float) -> None:
    """Law: a file cut in the first nine tenths is rejected, and is never called too large or unknown late."""
    whole = seeds()[index]
    cut = whole[: int(len(whole) * part * 0.9)]
    reason = outcome(cut)
    assert reason != "decoded"
    if len(cut) >= 16:
        assert reason in {"truncated", "undecodable"}


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_exif_gives_an_orientation(exif: bytes) -> None:
    """Law: an orientation is read from whatever bytes there are, without raising, and is one of the eight."""
    for order in (b"", b"II*\0", b"MM\0*"):
        assert 1 <= tiff.orientation(order + exif) <= 8


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.floats(0.3, 1.0))
@settings(max_examples=60)
def test_every_size_and_recipe_gives_the_square(width: int, height: int, size: int, crop: float) -> None:
    """Law: any image with any recipe gives exactly size × size, with no box outside the image."""
    data = encoded(scene(width, height), "BMP")
    assert decode(data, LIMITS, Target(max(size, 3), crop)).pixels.shape == (max(size, 3), max(size, 3), 3)


def test_orientation_commutes_with_the_crop() -> None:
    """Law: turning after the crop, as it is done here, shows the scene upright whatever way it was stored."""
    reference = decode(upright(1, kind="TIFF"), LIMITS, TARGET).pixels.astype(np.int16)
    for orientation in range(2, 9):
        seen = decode(upright(orientation, kind="TIFF"), LIMITS, TARGET).pixels
        assert np.abs(seen - reference).max() <= 1


def test_stripping_keeps_every_pixel() -> None:
    """Law: a file without its metadata decodes to the same pixels, and stripping it again changes nothing."""
    for whole in seeds():
        bare = container.strip(whole)
        again = container.strip(bare.data)
        assert again.data == bare.data
        assert again.size == bare.size
        assert outcome(bare.data) == "decoded"
