"""The one directory that is read of EXIF and TIFF: what is believed in it, and what is passed over."""

from __future__ import annotations

import struct

import pytest

from tests import crafted
from worker.prepare.tiff import Directory, orientation


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_every_orientation_is_read(value: int, order: str, kind: int) -> None:
    """All eight, in either byte order, as SHORT or LONG."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(
        order + ("HHIHH" if kind == 3 else "HHII"), 0x0112, kind, 1, value, *([0] * (kind == 3))
    )
    assert orientation(magic + struct.pack(order + "IH", 8, 1) + entry) == value


def test_the_first_orientation_counts_and_others_do_not_hide_it() -> None:
    """Other tags before it, a broken one among them, are passed over."""
    exif = crafted.directory([(0x010F, 2, 2**32 - 1, 8), (0x0112, 3, 1, 6), (0x0112, 3, 1, 3)])
    assert orientation(exif) == 6


def test_values_outside_the_data_are_passed_over() -> None:
    """An entry whose values would lie beyond the end is not an entry; one that just fits is."""
    inside, outside = (0x0111, 4, 2, 38), (0x0117, 4, 2, 39)
    directory = Directory.find(crafted.directory([inside, outside]) + bytes(8))
    assert directory is not None
    assert [entry.tag for entry in directory] == [0x0111]
    assert directory.is_whole


def test_a_count_is_not_believed() -> None:
    """A directory that claims more entries than there are bytes gives those that are there, and says so."""
    directory = Directory.find(crafted.directory([(0x0112, 3, 1, 6)], count=65_535))
    assert directory is not None
    assert [entry.tag for entry in directory] == [0x0112]
    assert not directory.is_whole


def test_only_whole_numbers_are_read_as_such() -> None:
    """Text in the place of a number gives no number instead of a wrong one."""
    directory = Directory.find(crafted.directory([(0x0100, 2, 4, 0x36363636)]))
    assert directory is not None
    assert [directory.whole(entry) for entry in directory] == [()]


def test_picking_finds_what_looking_at_all_finds() -> None:
    """The first entry of each tag, inline or not; none whose values lie outside."""
    entries = [(0x010F, 2, 3, 0x4241), (0x010F, 2, 3, 0x4443), (0x0110, 2, 5, 62), (0x0132, 2, 20, 60)]
    directory = Directory.find(crafted.directory(entries) + b"\0\0\0\0model"[:5] + b"xy")
    assert directory is not None
    every = {entry.tag: entry for entry in reversed(list(directory))}
    assert directory.pick(frozenset({0x010F, 0x0110, 0x0132, 0x9999})) == every
    assert set(every) == {0x010F, 0x0110}


def test_text_ends_at_nul_or_at_its_limit() -> None:
    """ASCII, UTF-8 in spite of the standard, bytes that are neither; a number is no text."""
    texts = (b"Nikon\0xx", "São Pa".encode() + b"\0", b"\xff\xfe      ", b"abcdefgh")
    for raw, most, text in zip(
        texts, (64, 64, 64, 3), ("Nikon", "São Pa", "\ufffd\ufffd", "abc"), strict=True
    ):
        data = crafted.directory([(0x010F, 2, 8, 26)]) + raw
        directory = Directory.find(data)
        assert directory is not None
        assert directory.text(next(iter(directory)), most) == text
    number = Directory.find(crafted.directory([(0x010F, 3, 2, 0x42414241)]))
    assert number is not None
    assert number.text(next(iter(number)), 64) == ""


def test_fractions() -> None:
    """As many as asked for; none where one divides by zero, or of another type."""
    for kind, parts, most, values in (
        (5, (1, 2, 3, 4), 2, (0.5, 0.75)),
        (5, (1, 2, 3, 4), 1, (0.5,)),
        (5, (1, 2, 3, 0), 2, ()),
        (5, (1, 2, 3, 0), 1, (0.5,)),
        (10, (1, 2, 3, 4), 2, ()),
    ):
        data = crafted.directory([(0x829A, kind, 2, 26)]) + struct.pack("<4I", *parts)
        directory = Directory.find(data)
        assert directory is not None
        assert directory.fractions(next(iter(directory)), most) == values


@pytest.mark.parametrize(
    ("kind", "count", "start"), [(4, 1, 7), (4, 1, 25), (4, 1, 2**32 - 1), (2, 1, 8), (3, 2, 8)]
)
def test_a_directory_below_lies_within(kind: int, count: int, start: int) -> None:
    """Not in the header, not beyond the end, and pointed to by one whole number."""
    directory = Directory.find(crafted.directory([(0x8769, kind, count, start)]))
    assert directory is not None
    assert directory.below(next(iter(directory))) is None
