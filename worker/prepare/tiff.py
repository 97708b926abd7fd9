"""The directories of a TIFF structure, which is also what EXIF is: read with bounds, rewritten bare.

Nothing is followed by itself: no chains, and a sub-directory only where a caller asks for that one, so there
is no recursion to exhaust and no count to believe (TIFF 6.0, section 2).
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

ORIENTATION: Final = 0x0112
WIDTH: Final = 0x0100
LENGTH: Final = 0x0101
STRIP_OFFSETS: Final = 0x0111
STRIP_BYTES: Final = 0x0117
TILE_WIDTH: Final = 0x0142
TILE_LENGTH: Final = 0x0143
TILE_OFFSETS: Final = 0x0144
TILE_BYTES: Final = 0x0145

_ASCII: Final = 2
_SHORT: Final = 3
_LONG: Final = 4
_RATIONAL: Final = 5
_UNIT_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_HEADER_BYTES: Final = 8
_ENTRY_BYTES: Final = 12
_INLINE_BYTES: Final = 4
_MOST_PICKED: Final = 256
"""Entries among which `pick` looks; cameras write some forty, and a hostile file thousands."""


class Entry(NamedTuple):
    """One tag: its values lie at `start`, `size` bytes long, within the data."""

    tag: int
    kind: int
    values: int
    start: int
    size: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Directory:
    """IFD0 of `data`: `order` is struct's byte order, `start` the place of the entry count."""

    data: bytes
    order: str
    start: int
    entries: int

    @classmethod
    def find(cls, data: bytes) -> Directory | None:
        """Find IFD0; None where there is no TIFF header or its directory lies outside the data."""
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
        if order is None or len(data) < _HEADER_BYTES:
            return None
        (start,) = struct.unpack_from(order + "I", data, 4)
        if start < _HEADER_BYTES or start + 2 > len(data):
            return None
        (entries,) = struct.unpack_from(order + "H", data, start)
        return cls(data, order, start, entries)

    def below(self, entry: Entry) -> Directory | None:
        """The directory that an entry of this one points to; None where it lies outside the data."""
        (start,) = (self.whole(entry) if entry.values == 1 else ()) or (0,)
        if start < _HEADER_BYTES or start + 2 > len(self.data):
            return None
        (entries,) = struct.unpack_from(self.order + "H", self.data, start)
        return Directory(self.data, self.order, start, entries)

    @property
    def is_whole(self) -> bool:
        """Whether all the entries that it counts lie within the data."""
        return self.start + 2 + self.entries * _ENTRY_BYTES <= len(self.data)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry whose values lie within the data; the others are passed over."""
        held = min(self.entries, (len(self.data) - self.start - 2) // _ENTRY_BYTES)
        for index in range(held):
            entry = self._entry(index)
            if entry is not None:
                yield entry

    def _entry(self, index: int) -> Entry | None:
        """The entry at this place among the directory's; None where its values lie outside the data."""
        place = self.start + 2 + index * _ENTRY_BYTES
        tag, kind, count, offset = struct.unpack_from(self.order + "HHII", self.data, place)
        size = count * _UNIT_BYTES.get(kind, 0)
        start = place + _ENTRY_BYTES - _INLINE_BYTES if size <= _INLINE_BYTES else offset
        if not size or start + size > len(self.data):
            return None
        return Entry(tag, kind, count, start, size, self.data[place : place + _ENTRY_BYTES])

    def pick(self, tags: frozenset[int]) -> dict[int, Entry]:
        """The first entry of each of these tags, among the first 256 entries; quicker than looking at all.

        A tag whose first entry lies outside the data is not there, whatever comes after it.
        """
        held = min(self.entries, _MOST_PICKED, (len(self.data) - self.start - 2) // _ENTRY_BYTES)
        first = self.start + 2
        words = array("H", self.data[first : first + held * _ENTRY_BYTES])
        if (self.order == "<") != (sys.byteorder == "little"):
            words.byteswap()
        listed = words[:: _ENTRY_BYTES // words.itemsize]
        picked: dict[int, Entry] = {}
        for tag in tags.intersection(listed):
            entry = self._entry(listed.index(tag))
            if entry is not None:
                picked[tag] = entry
        return picked

    def text(self, entry: Entry, most: int) -> str:
        """The text of an ASCII entry, up to `most` bytes or the first NUL; empty for any other type.

        Text that is not ASCII is read as UTF-8, as cameras write it in spite of the standard; what is neither
        is replaced.
        """
        if entry.kind != _ASCII:
            return ""
        raw = self.data[entry.start : entry.start + min(entry.size, most)]
        return raw.partition(b"\0")[0].decode(errors="replace").strip()

    def fractions(self, entry: Entry, most: int) -> tuple[float, ...]:
        """The first `most` values of a RATIONAL entry; empty for other types and divisions by zero."""
        if entry.kind != _RATIONAL:
            return ()
        count = min(entry.values, most)
        parts = struct.unpack_from(f"{self.order}{2 * count}I", self.data, entry.start)
        below = parts[1::2]
        return () if 0 in below else tuple(a / b for a, b in zip(parts[::2], below, strict=True))

    def whole(self, entry: Entry) -> tuple[int, ...]:
        """The values of a SHORT or LONG entry; empty for any other type."""
        letter = {_SHORT: "H", _LONG: "I"}.get(entry.kind)
        if letter is None:
            return ()
        return struct.unpack_from(f"{self.order}{entry.values}{letter}", self.data, entry.start)


def orientation(exif: bytes) -> int:
    r"""The EXIF orientation, 1–8; 1 (as stored) where there is none or it cannot be read. Never raises.

    Args:
        exif: a TIFF structure, without the `Exif\0\0` that JPEG puts before it.

    >>> orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
    6
    """
    directory = Directory.find(exif)
    if directory is None:
        return 1
    for entry in directory:
        if entry.tag == ORIENTATION and entry.values == 1:
            (value,) = directory.whole(entry) or (1,)
            return value if 1 <= value <= 8 else 1  # noqa: PLR2004 - the eight orientations of EXIF
    return 1
