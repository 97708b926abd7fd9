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
