"""What is read of EXIF, from which files; what is not believed; that nothing hostile raises or lingers."""

from __future__ import annotations

import struct
import time
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.TiffImagePlugin import IFDRational

from tests import crafted, hostile
from tests.worker.prepare.evidence.photographed import NOON, exif, photo, position, taken
from worker.prepare import container
from worker.prepare.evidence.exif import NOTHING, Exif, read

BERN = (46.948, 7.447)
EVERYTHING: dict[str, dict[int, Any]] = {
    "names": {0x010E: "Bern", 0x010F: "NIKON", 0x0110: "D750", 0x0132: "2025:01:01 10:00:00"},
    "shot": {**taken(offset="+02:00"), 0x829A: IFDRational(1, 100), 0x829D: IFDRational(8), 0x8827: 100},
    "place": {**position(*BERN), 7: (10.0, 0.0, 30.0), 29: "2024:06:01"},
}


def fields(read_: Exif) -> tuple[object, ...]:
    """Everything that was read."""
    return tuple(getattr(read_, name) for name in Exif.__slots__)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_format_with_exif_is_read(kind: str) -> None:
    """All values, out of each format that can hold them."""
    found = read(photo(kind, **EVERYTHING), gps=True)
    assert (found.make, found.model, found.description) == ("NIKON", "D750", "Bern")
    assert (found.taken, found.offset) == (NOON, 120)
    assert found.gps_time == datetime(2024, 6, 1, 10, 0, 30)  # noqa: DTZ001 - compared as it stands
    assert found.position == pytest.approx(BERN, abs=1e-5)
    # EV = log2(64 / 0.01) at ISO 100.
    assert found.exposure == pytest.approx(12.64, abs=0.01)


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_formats_without_exif_have_none(kind: str) -> None:
    """No bytes of theirs are taken for it."""
    assert read(crafted.encoded(crafted.scene(8, 8), kind), gps=True) is NOTHING


def test_without_gps_its_directory_is_not_read() -> None:
    """The policy takes the position and the clock of the receiver, and nothing else."""
    found = read(photo(**EVERYTHING), gps=False)
    assert (found.position, found.gps_time) == (None, None)
    assert found.taken == NOON


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(BERN), (-33.9, 18.4), (-22.9, -43.2), (61.2, -149.9), (-90.0, 180.0)]
)
def test_hemispheres(latitude: float, longitude: float) -> None:
    """South and west are below zero."""
    found = read(photo(place=position(latitude, longitude)), gps=True)
    assert found.position == pytest.approx((latitude, longitude), abs=1e-5)


@pytest.mark.parametrize(
    "place",
    [
        {**position(0.0, 0.0)},
        {**position(*BERN), 2: (91.0, 0.0, 0.0)},
        {**position(*BERN), 4: (180.0, 0.0, 1.0)},
        {**position(*BERN), 1: "X"},
        {**position(*BERN), 1: "NS"},
        {tag: value for tag, value in position(*BERN).items() if tag != 3},
        {tag: value for tag, value in position(*BERN).items() if tag != 4},
    ],
    ids=["no fix", "beyond the pole", "beyond the date line", "no letter", "both", "no reference", "half"],
)
def test_a_position_that_is_none_is_none(place: dict[int, object]) -> None:
    """A receiver without a fix and halves of a position are no place on Earth."""
    assert read(photo(place=place), gps=True).position is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("+05:30", 330),
        ("-03:00", -180),
        ("+0200", 120),
        ("Z", None),
        ("+5", None),
        ("   :  ", None),
        ("", None),
    ],
)
def test_offsets(text: str, minutes: int | None) -> None:
    """Signed hours and minutes, or nothing."""
    assert read(photo(shot=taken(offset=text)), gps=True).offset == minutes


@pytest.mark.parametrize(
    "text", ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "    :  :  ", "yesterday", "2024"]
)
def test_times_that_are_none(text: str) -> None:
    """What cameras write that do not know, and what is no date."""
    assert read(photo(shot={0x9003: text}), gps=True).taken is None


def test_the_shutter_counts_before_the_scanner_and_the_program() -> None:
    """Taken, else digitised, else changed; each with its own offset."""
    all_three = {
        0x9003: "2024:01:02 03:04:05",
        0x9004: "2024:02:02 03:04:05",
        0x9011: "+01:00",
        0x9012: "+02:00",
    }
    changed = {0x0132: "2024:03:02 03:04:05"}
    for missing, month, offset in (((), 1, 60), ((0x9003,), 2, 120), ((0x9003, 0x9004), 3, None)):
        shot = {tag: value for tag, value in all_three.items() if tag not in missing}
        found = read(photo(names=changed, shot=shot), gps=True)
        assert found.taken is not None
        assert (found.taken.month, found.offset) == (month, offset)


def test_a_receiver_clock_is_a_time_of_day() -> None:
    """Hours beyond a day, divisions by zero and a missing date give no time."""
    day = {29: "2024:06:01"}
    for place in ({7: (24.0, 0.0, 0.0), **day}, {7: (1.0, 0.0, 0.0)}, day, {7: (1.0,), **day}):
        assert read(photo(place=place), gps=True).gps_time is None
    zero = struct.pack("<6I", 1, 0, 1, 1, 1, 1)
    block = crafted.directory([(0x8825, 4, 1, 26)]) + struct.pack("<HHHIII", 1, 7, 5, 3, 44, 0) + zero
    assert read(crafted.with_exif(hostile.photo(), block), gps=True).gps_time is None


def test_it_cannot_be_printed() -> None:
    """No value shows in a log line or a traceback."""
    assert "NIKON" not in repr(read(photo(**EVERYTHING), gps=True))
    assert "2024" not in str(read(photo(**EVERYTHING), gps=True))


def test_a_directory_that_points_to_itself_is_read_once() -> None:
    """Pointers to IFD0, to the header and outside end where they point."""
    loop = crafted.directory([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], after=8)
    outside = crafted.directory([(0x8769, 4, 1, 2**32 - 1), (0x8825, 4, 1, 2)])
    for block in (loop, outside):
        assert fields(read(crafted.with_exif(hostile.photo(), block), gps=True)) == fields(NOTHING)


def test_only_the_first_entries_are_looked_at() -> None:
    """A directory of thousands costs what one of 256 does, and its last entries are not found."""
    junk = [(0x9000, 3, 1, 0)]
    make = (0x010F, 2, 4, int.from_bytes(b"ABC\0", "little"))
    for before, found in ((255, "ABC"), (256, "")):
        block = crafted.directory([*junk * before, make])
        assert read(crafted.with_exif(hostile.photo(), block), gps=True).make == found


def test_exif_behind_a_flood_of_parts_is_not_waited_for() -> None:
    """In each format the walk ends after so many parts."""
    flood = container.MOST_METADATA_PARTS
    block = exif(**EVERYTHING).tobytes().removeprefix(b"Exif\0\0")
    whole = crafted.encoded(crafted.scene(8, 8), "PNG")
    for before, make in ((10, "NIKON"), (flood, "")):
        data = (
            whole[:33] + crafted.chunk(b"tEXt", b"a\0b") * before + crafted.chunk(b"eXIf", block) + whole[33:]
        )
        assert read(data, gps=True).make == make
        comments = hostile.photo()[:2] + b"\xff\xfe\0\2" * before
        jpeg = comments + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
        assert read(jpeg + hostile.photo()[2:], gps=True).make == make
        markers = hostile.photo()[:2] + b"\xff\xd0" * before + jpeg[len(comments) :]
        assert read(markers + hostile.photo()[2:], gps=True).make == make


def test_nothing_of_the_hostile_corpus_raises_or_takes_long() -> None:
    """Loops, lies and torn files: some milliseconds at most, and more to spare."""
    small = (hostile._hostile_exif(), hostile._broken(), hostile._metadata(), hostile._no_images())
    for item in chain.from_iterable(small):
        begun = time.process_time()
        read(item.data, gps=True)
        assert time.process_time() - begun < 0.05, item.name


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_it_never_raises(data: st.DataObject) -> None:
    """Flipped and cut anywhere, in every format: values or none, no exception."""
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]))
    whole = bytearray(_whole(kind))
    # The metadata lie at the beginning, but for TIFF and WebP at the end.
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    read(bytes(whole[: data.draw(st.integers(0, len(whole)))]), gps=True)


@settings(max_examples=150, deadline=None)
@given(block=st.binary(max_size=200), order=st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_whatever_the_block_it_never_raises(block: bytes, order: bytes) -> None:
    """Random directories behind a valid header."""
    read(order + block, gps=True)


@cache
def _whole(kind: str) -> bytes:
    return photo(kind, **EVERYTHING)
