"""Know an image file by its content, and take everything out of it that is not needed for its pixels.

What the decoder never sees cannot harm it: text and profile bombs, broken or recursive EXIF, endless comments
and directory chains are gone before Pillow opens the file, and so are its warnings about them and the tags
that it writes to its debug log. Also the cheaper way: of a metadata-heavy file only the pixels are parsed.

Each function walks one format's outermost structure, in one pass, with every length checked.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from worker.errors import Reject
from worker.prepare import tiff

Format = Literal["jpeg", "png", "webp", "gif", "tiff", "bmp"]


class Bare(NamedTuple):
    """An image file reduced to its pixels.

    `size` is (width, height) as stored, or larger where decoding takes more; `orientation` is EXIF's, 1–8.
    """

    format: Format
    data: bytes
    size: tuple[int, int]
    orientation: int = 1


MOST_PARTS: Final = 65_536
"""Chunks or blocks that are walked; a file of 8 MiB in ordinary parts of 4 KiB has 2,048."""

MOST_METADATA_PARTS: Final = 2_048
"""Chunks or segments among which EXIF is looked for."""

MOST_SCANS: Final = 32
"""Scans of a progressive JPEG; encoders write about ten. Each costs a pass over the whole image, and one of
30 bytes can be repeated a hundred thousand times within the size limit."""


def strip(data: bytes) -> Bare:
    """Tell the format by the first bytes and reduce the file to what its pixels need.

    Raises:
        Reject: unsupported_format, truncated or undecodable.
    """
    for magic, walk in _WALKS.items():
        if data.startswith(magic):
            try:
                return walk(data)
            except (struct.error, IndexError):
                raise Reject("truncated", "The image ends within its header.") from None
    raise Reject("unsupported_format", "The bytes are not a JPEG, PNG, WebP, GIF, TIFF or BMP image.")


def exif(data: bytes) -> bytes:
    r"""Find the EXIF block of an image file: a TIFF structure, empty where there is none. Never raises.

    Of a TIFF file it is the file itself. What lies behind more than MOST_METADATA_PARTS parts is not found.

    >>> exif(b"\xff\xd8\xff\xe1\0\x0eExif\0\0MM\0*\0\0")
    b'MM\x00*\x00\x00'
    """
    for magic, find in _EXIF.items():
        if data.startswith(magic):
            try:
                return find(data)
            except (Reject, struct.error, IndexError):
                return b""
    return b""


def _damaged(what: str) -> Reject:
    return Reject("undecodable", f"The image is damaged: {what}.")


# --- JPEG (ITU-T T.81, annex B) -----------------------------------------------------------------------------

_JPEG_ALONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_JPEG_FILL: Final = re.compile(rb"\xff+")
_JPEG_END: Final = 0xD9
_JPEG_SCAN: Final = 0xDA
_JPEG_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})
_JPEG_KEPT: Final = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD})
_JPEG_COLOUR: Final = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
_JPEG_APPLICATION_1: Final = 0xE1
_JPEG_EXIF: Final = b"Exif\0\0"


def _segments(data: bytes, most: int = MOST_PARTS) -> Iterator[tuple[int, int, int, int]]:
    """Each segment up to the first scan: its marker, where it starts, where its body does, where it ends.

    Markers without a body count among the `most`; padding, however long, does not: C skips it in one go.
    """
    place = 2
    for _ in range(most):
        # Bytes between segments are padding or junk, which decoders skip.
        fill = _JPEG_FILL.search(data, place)
        if fill is None or fill.end() == len(data):
            raise Reject("truncated", "The image ends within its header.")
        place = fill.end() - 1
        marker = data[place + 1]
        if marker in _JPEG_ALONE:
            place += 2
        elif marker == _JPEG_END:
            raise _damaged("it has no pixels")
        else:
            (length,) = struct.unpack_from(">H", data, place + 2)
            end = place + 2 + max(length, 2)
            if end > len(data):
                raise Reject("truncated", "The image ends within its header.")
            yield marker, place, place + 4, end
            place = end
    raise _damaged(f"it has more than {most} segments")


def _jpeg(data: bytes) -> Bare:
    kept = [data[:2]]
    size: tuple[int, int] | None = None
    turn: int | None = None
    components = scan = 0
    once = False
    for marker, start, body, end in _segments(data):
        if marker == _JPEG_SCAN:
            # One scan with every component is all that is read of a sequential image.
            once = once and data[body] == components
            scan = start
            break
        if marker in _JPEG_FRAME:
            height, width, components = struct.unpack_from(">HHB", data, body + 1)
            size = (width, height)
            once = marker in _JPEG_SEQUENTIAL
        colour = _JPEG_COLOUR.get(marker)
        if marker in _JPEG_KEPT or (colour and data.startswith(colour, body)):
            kept.append(data[start:end])
        elif turn is None and data.startswith(_JPEG_EXIF, body, end):
            turn = tiff.orientation(data[body + len(_JPEG_EXIF) : end])
    if size is None:
        raise _damaged("it has no frame")
    # Within entropy-coded data FF is always stuffed, so that each FFDA is a scan.
    if not once and data.count(b"\xff\xda", scan) > MOST_SCANS:
        raise _damaged(f"it has more than {MOST_SCANS} scans")
    kept.append(data[scan:])
    return Bare("jpeg", b"".join(kept), size, turn or 1)


def _jpeg_exif(data: bytes) -> bytes:
    for marker, _, body, end in _segments(data, MOST_METADATA_PARTS):
        if marker == _JPEG_SCAN:
            break
        if marker == _JPEG_APPLICATION_1 and data.startswith(_JPEG_EXIF, body, end):
            return data[body + len(_JPEG_EXIF) : end]
    return b""


# --- PNG (W3C PNG, third edition) ---------------------------------------------------------------------------

_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def _png(data: bytes) -> Bare:
    if data[12:16] != b"IHDR":
        raise _damaged("it does not begin with its header")
    size: tuple[int, int] = struct.unpack_from(">II", data, 16)
    kept = [_PNG_MAGIC]
    turn = 1
    place = len(_PNG_MAGIC)
    for _ in range(MOST_PARTS):
        if place + 8 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, place)
        name = data[place + 4 : place + 8]
        end = place + 12 + length
        # Animation chunks are left out too: what remains is the default image, as still viewers show it.
        if name in _PNG_KEPT:
            kept.append(data[place:end])
        elif name == b"eXIf":
            turn = tiff.orientation(data[place + 8 : end - 4])
        place = end
        if name == b"IEND":
            break
    else:
        raise _damaged(f"it has more than {MOST_PARTS} chunks")
    return Bare("png", b"".join(kept), size, turn)


def _png_exif(data: bytes) -> bytes:
    place = len(_PNG_MAGIC)
    for _ in range(MOST_METADATA_PARTS):
        (length,) = struct.unpack_from(">I", data, place)
        if data.startswith(b"eXIf", place + 4):
            return data[place + 8 : place + 8 + length]
        place += 12 + length
    return b""


# --- WebP (RFC 9649) ----------------------------------------------------------------------------------------


def _webp(data: bytes) -> Bare:
    if data[8:12] != b"WEBP":
        raise Reject("unsupported_format", "The bytes are a RIFF file but not a WebP image.")
    (riff,) = struct.unpack_from("<I", data, 4)
    if riff + 8 > len(data):
        raise Reject("truncated", "The image ends before its last pixel.")
    kind = data[12:16]
    if kind == b"VP8X":
        size = (int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        size = (width & 0x3FFF, height & 0x3FFF)
    else:
        raise _damaged("its first chunk is unknown")
    # Passed on whole: Pillow hands the metadata chunks of WebP on without parsing them.
    return Bare("webp", data, size, _webp_turn(data) if kind == b"VP8X" else 1)


def _webp_exif(data: bytes, most: int = MOST_METADATA_PARTS) -> bytes | None:
    """The EXIF chunk, empty where there is none; None where it has more than `most` chunks."""
    place = 12
    for _ in range(most):
        if place + 8 > len(data):
            return b""
        name = data[place : place + 4]
        (length,) = struct.unpack_from("<I", data, place + 4)
        if name == b"EXIF":
            return data[place + 8 : place + 8 + length].removeprefix(_JPEG_EXIF)
        place += 8 + length + length % 2
    return None


def _webp_turn(data: bytes) -> int:
    block = _webp_exif(data, MOST_PARTS)
    if block is None:
        raise _damaged(f"it has more than {MOST_PARTS} chunks")
    return tiff.orientation(block)


# --- GIF (GIF89a) -------------------------------------------------------------------------------------------

_GIF_HEADER_BYTES: Final = 13


def _gif(data: bytes) -> Bare:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = _GIF_HEADER_BYTES + (6 << (flags & 7) if flags & 0x80 else 0)
    kept = [data[:place]]
    control = b""
    for _ in range(MOST_PARTS):
        kind = data[place]
        if kind == ord(","):
            left, top, wide, high = struct.unpack_from("<4H", data, place + 1)
            # The first frame; what comes after it the decoder does not read.
            kept += (control, data[place:])
            return Bare("gif", b"".join(kept), (max(width, left + wide), max(height, top + high)))
        if kind == ord(";"):
            raise _damaged("it has no frame")
        if kind != ord("!"):
            raise _damaged("it has a block of no known kind")
        end = _after_sub_blocks(data, place + 2)
        if data[place + 1] == 0xF9:  # noqa: PLR2004 - the graphic control extension: transparency
            control = data[place:end]
        place = end
    raise _damaged(f"it has more than {MOST_PARTS} blocks")


def _after_sub_blocks(data: bytes, place: int) -> int:
    for _ in range(MOST_PARTS):
        length = data[place]
        place += 1 + length
        if not length:
            return place
    raise _damaged(f"it has more than {MOST_PARTS} blocks")


# --- TIFF (TIFF 6.0, technical notes 1 and 2) ---------------------------------------------------------------

_TIFF_KEPT: Final = frozenset(
    {
        *(
            tiff.WIDTH,
            tiff.LENGTH,
            0x0102,
            0x0103,
            0x0106,
            0x010A,
        ),  # size, bits, packing, meaning, bit order
        *(tiff.STRIP_OFFSETS, 0x0115, 0x0116, tiff.STRIP_BYTES, 0x011C),  # strips, samples, planes
        *(0x0124, 0x0125, 0x013D, 0x0140),  # fax options, predictor, palette
        *(tiff.TILE_WIDTH, tiff.TILE_LENGTH, tiff.TILE_OFFSETS, tiff.TILE_BYTES),
        *(0x0152, 0x0153, 0x015B, 0x0211, 0x0212, 0x0213, 0x0214),  # alpha, sample format, JPEG tables, YCbCr
    }
)
_TIFF_ONCE: Final = frozenset(
    {
        *(tiff.WIDTH, tiff.LENGTH, 0x0103, 0x0106, 0x010A, 0x0115, 0x0116, 0x011C, 0x013D),
        *(tiff.TILE_WIDTH, tiff.TILE_LENGTH),
    }
)


def _tiff(data: bytes) -> Bare:
    """Rewrite the first directory in place: no metadata in it, and no directory after it."""
    directory = tiff.Directory.find(data)
    if directory is None or not directory.is_whole:
        raise Reject("truncated", "The image ends within its directory.")
    kept: dict[int, tiff.Entry] = {}
    turn = 1
    for entry in directory:
        if entry.tag == tiff.ORIENTATION:
            turn = tiff.orientation(data)
        elif entry.tag in _TIFF_KEPT and entry.tag not in kept:
            if entry.tag in _TIFF_ONCE and entry.values != 1:
                raise _damaged("a tag has more values than it may")
            kept[entry.tag] = entry
    values = {tag: directory.whole(entry) for tag, entry in kept.items()}
    try:
        size = (values[tiff.WIDTH][0], values[tiff.LENGTH][0])
    except (KeyError, IndexError):
        raise _damaged("it does not say how large it is") from None
    _tiff_data_is_there(values, len(data))
    bare = bytearray(data)
    fresh = struct.pack(directory.order + "H", len(kept)) + b"".join(e.raw for e in kept.values()) + bytes(4)
    bare[directory.start : directory.start + len(fresh)] = fresh
    # A tile larger than the image is decoded at its own size.
    tile = (values.get(tiff.TILE_WIDTH, (1,))[0], values.get(tiff.TILE_LENGTH, (1,))[0])
    return Bare("tiff", bytes(bare), (max(size[0], tile[0]), max(size[1], tile[1])), turn)


def _tiff_data_is_there(values: dict[int, tuple[int, ...]], length: int) -> None:
    for offsets, sizes in ((tiff.STRIP_OFFSETS, tiff.STRIP_BYTES), (tiff.TILE_OFFSETS, tiff.TILE_BYTES)):
        for start, size in zip(values.get(offsets, ()), values.get(sizes, ()), strict=False):
            if start + size > length:
                raise Reject("truncated", "The image ends before its last pixel.")


# --- BMP ----------------------------------------------------------------------------------------------------

_BMP_CORE_BYTES: Final = 12


def _bmp(data: bytes) -> Bare:
    (header,) = struct.unpack_from("<I", data, 14)
    # OS/2 headers hold 16-bit sizes; in the others a negative height means that the rows run downwards.
    layout = "<HH" if header == _BMP_CORE_BYTES else "<ii"
    width, height = struct.unpack_from(layout, data, 18)
    return Bare("bmp", data, (abs(width), abs(height)))


_WALKS: Final[dict[bytes, Callable[[bytes], Bare]]] = {
    b"\xff\xd8\xff": _jpeg,
    _PNG_MAGIC: _png,
    b"RIFF": _webp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"BM": _bmp,
}

_EXIF: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"\xff\xd8\xff": _jpeg_exif,
    _PNG_MAGIC: _png_exif,
    b"RIFF": lambda data: _webp_exif(data) or b"",
    b"II*\0": bytes,
    b"MM\0*": bytes,
}
