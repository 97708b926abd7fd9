"""Bad and unusual photos with what must become of each: the corpus of the decoder's and the end-to-end tests.

>>> by_name("html").reason
'unsupported_format'
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests import crafted
from tests.crafted import encoded, png, scene, tiff, with_exif, with_segment
from worker.record import RejectReason

PHOTO_BYTES = 8 * 1024 * 1024
"""The default limit of one photo."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file; `reason` is what it is rejected for, None when it is to be classified."""

    name: str
    data: bytes
    reason: RejectReason | None


@cache
def corpus() -> tuple[Hostile, ...]:
    """Every bad or unusual photo, each under a name of its own. About 30 MB, made once, in some seconds."""
    return (
        *_no_images(),
        *_broken(),
        *_bombs(),
        *_sizes(),
        *_modes(),
        *_oriented(),
        *_hostile_exif(),
        *_metadata(),
        *_polyglots(),
    )


def by_name(name: str) -> Hostile:
    """One of the corpus."""
    return next(item for item in corpus() if item.name == name)


@cache
def photo() -> bytes:
    """An ordinary JPEG, 640 × 480."""
    return encoded(scene(), "JPEG", quality=88)


def upright(orientation: int, *, kind: str = "JPEG") -> bytes:
    """The same scene, stored turned, with the EXIF orientation that says so: all eight look alike."""
    # What undoes each orientation; 6 and 8 are each other's.
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    image = scene() if stored is None else scene().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "JPEG":
        return encoded(image, kind, exif=exif, quality=97, subsampling=0)
    return encoded(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))


def _no_images() -> Iterator[Hostile]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("photo.jpg", photo())
    html = b"<!doctype html><html><body>404: this is not photo.jpg</body></html>"
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    yield Hostile("empty", b"", "empty")
    for name, data in {
        "html": html,
        "svg": svg,
        "zip": archive.getvalue(),
        "gzip": gzip.compress(photo()),
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "avif": b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "jpeg2000": b"\0\0\0\x0cjP  \r\n\x87\n",
        "icon": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0",
        "photoshop": b"8BPS\0\1" + bytes(40),
        "big_tiff": b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
        "wave": b"RIFF\x24\0\0\0WAVEfmt ",
        "text": "Grüße aus Zürich".encode(),
        "zeros": bytes(10_000),
        "one_byte": b"\xff",
        "jpeg_start_only": b"\xff\xd8",
    }.items():
        yield Hostile(name, data, "unsupported_format")


def _broken() -> Iterator[Hostile]:
    picture = scene()
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        whole = encoded(picture, kind)
        yield Hostile(f"truncated_{kind.lower()}", whole[: len(whole) // 2], "truncated")
        yield Hostile(f"truncated_{kind.lower()}_header", whole[:20], "truncated")
    progressive = encoded(picture, "JPEG", progressive=True)
    yield Hostile("truncated_progressive", progressive[: len(progressive) // 2], "truncated")
    yield Hostile("truncated_tiff_packed", tiff(64, 64, packing=5)[:-4_000], "truncated")
    whole = encoded(picture, "PNG")
    middle = len(whole) // 2
    yield Hostile("png_flipped_bits", whole[:middle] + bytes(64) + whole[middle + 64 :], "undecodable")
    yield Hostile("png_without_header", whole[:8] + whole[33:], "undecodable")
    yield Hostile("png_no_area", png(0, 10), "undecodable")
    frame = photo().index(b"\xff\xc0")
    yield Hostile("jpeg_no_area", photo()[: frame + 5] + bytes(4) + photo()[frame + 9 :], "undecodable")
    yield Hostile("jpeg_no_pixels", photo()[: photo().index(b"\xff\xda")] + b"\xff\xd9", "undecodable")
    tables, frame = photo().index(b"\xff\xdb"), photo().index(b"\xff\xc0")
    yield Hostile("jpeg_without_tables", photo()[:tables] + photo()[frame:], "undecodable")
    yield Hostile("gif_no_frame", b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b";", "undecodable")
    yield Hostile(
        "bmp_no_area",
        b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 0, 0, 1, 24, 0) + bytes(20),
        "undecodable",
    )
    yield Hostile("tiff_no_size", crafted.directory([(259, 3, 1, 1)]), "undecodable")


def _bombs() -> Iterator[Hostile]:
    many: RejectReason = "too_many_pixels"
    yield Hostile("png_bomb", png(19_000, 19_000, depth=1, colour=crafted.GREY), many)
    yield Hostile("png_bomb_huge", png(2**31 - 1, 2**31 - 1), many)
    yield Hostile("tiff_bomb", tiff(19_000, 19_000), many)
    yield Hostile("tiff_bomb_huge", tiff(2**32 - 1, 2**32 - 1, (278, 4, 1, 1)), many)
    tile = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
    tile += [(322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, 8)]
    yield Hostile("tiff_tile_bomb", crafted.directory(tile), many)
    canvas = b"\x10\0\0\0" + (16_382).to_bytes(3, "little") * 2
    webp = b"WEBPVP8X" + struct.pack("<I", 10) + canvas
    yield Hostile("webp_bomb", b"RIFF" + struct.pack("<I", len(webp)) + webp, many)
    yield Hostile(
        "gif_bomb", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"," + bytes(9), many
    )
    frame = b"," + struct.pack("<4HB", 60_000, 60_000, 5_000, 5_000, 0)
    yield Hostile("gif_frame_bomb", b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + frame, many)
    yield Hostile(
        "bmp_bomb", b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 2**31 - 1, -(2**31), 1, 24, 0), many
    )
    start = photo().index(b"\xff\xc0")
    wide = photo()[: start + 5] + struct.pack(">HH", 65_500, 65_500) + photo()[start + 9 :]
    yield Hostile("jpeg_bomb", wide, many)
    scans = crafted.repeated_scans(encoded(scene(), "JPEG", progressive=True), 50)
    yield Hostile("jpeg_scan_bomb", scans, "undecodable")
    begin, rest = photo()[:2], photo()[2:]
    yield Hostile("jpeg_padding_flood", begin + b"\xff" * 2**20 + rest, None)
    yield Hostile("jpeg_comment_flood", begin + b"\xff\xfe\0\2" * 20_000 + rest, None)
    yield Hostile("jpeg_comment_bomb", begin + b"\xff\xfe\0\2" * 70_000 + rest, "undecodable")
    yield Hostile("jpeg_marker_bomb", begin + b"\xff\xd0" * 70_000 + rest, "undecodable")
    packed = crafted.deflated_zeros(100 * 1024 * 1024)
    yield Hostile("png_text_bomb", _png_with(crafted.chunk(b"zTXt", b"Comment\0\0" + packed)), None)
    yield Hostile("png_profile_bomb", _png_with(crafted.chunk(b"iCCP", b"p\0\0" + packed)), None)
    yield Hostile("png_text_flood", _png_with(crafted.chunk(b"tEXt", b"a\0b") * 20_000), None)
    yield Hostile("png_chunk_flood", _png_with(crafted.chunk(b"tEXt", b"a\0b") * 70_000), "undecodable")
    comment = b"!\xfe" + (b"\xff" + b"c" * 255) * 20_000 + b"\0"
    gif = encoded(scene(), "GIF")
    yield Hostile("gif_comment_flood", gif[: 13 + 768] + comment + gif[13 + 768 :], None)
    yield Hostile("value_over_limit", photo() + bytes(PHOTO_BYTES + 1 - len(photo())), "too_large")


def _png_with(chunks: bytes) -> bytes:
    whole = encoded(scene(160, 120), "PNG")
    return whole[:33] + chunks + whole[33:]


def _sizes() -> Iterator[Hostile]:
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        yield Hostile(f"one_pixel_{kind.lower()}", encoded(scene(1, 1), kind), None)
    yield Hostile("two_pixels", encoded(scene(2, 1), "PNG"), None)
    yield Hostile("wide_30000x10", encoded(Image.new("RGB", (30_000, 10)), "PNG"), "too_many_pixels")
    yield Hostile("tall_10x30000", encoded(Image.new("RGB", (10, 30_000)), "JPEG"), "too_many_pixels")
    yield Hostile("wide_19999x10", encoded(Image.new("RGB", (19_999, 10)), "PNG"), None)
    yield Hostile("tall_1x20000", encoded(Image.new("RGB", (1, 20_000)), "PNG"), None)


def _modes() -> Iterator[Hostile]:
    picture = scene()
    grey = picture.convert("L")
    sixteen = np.asarray(grey).astype(np.uint16) * 257
    transparent = picture.copy()
    transparent.putalpha(grey)
    frames = [picture.transpose(Image.Transpose.ROTATE_180) for _ in range(2)]
    palette = picture.quantize(64)
    cmyk = picture.convert("CMYK")
    lab = ImageCms.applyTransform(
        picture,
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    assert lab is not None
    rgb16 = (np.asarray(picture).astype(">u2") * 257).tobytes()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield from (
        Hostile(name, data, None)
        for name, data in {
            "jpeg_grey": encoded(grey, "JPEG", quality=98),
            "jpeg_progressive": encoded(picture, "JPEG", progressive=True),
            "jpeg_cmyk": encoded(cmyk, "JPEG", quality=95),
            "jpeg_rgb": crafted.adobe_rgb(encoded(picture, "JPEG", quality=95, keep_rgb=True)),
            "jpeg_profile": encoded(picture, "JPEG", icc_profile=profile),
            "png_one_bit": encoded(picture.convert("1"), "PNG"),
            "png_grey_16": encoded(Image.fromarray(sixteen), "PNG"),
            "png_rgb_16": png(*picture.size, depth=16, raw=rgb16),
            "png_palette": encoded(palette, "PNG"),
            "png_palette_transparent": encoded(palette, "PNG", transparency=bytes(range(64))),
            "png_colour_key": encoded(picture, "PNG", transparency=(0, 0, 0)),
            "png_grey_alpha": encoded(transparent.convert("LA"), "PNG"),
            "png_alpha": encoded(transparent, "PNG"),
            "png_animated": encoded(picture, "PNG", save_all=True, append_images=frames),
            "png_interlaced_grey_2": png(64, 64, depth=2, colour=crafted.GREY),
            "webp_lossy": encoded(picture, "WEBP", quality=90),
            "webp_lossless": encoded(picture, "WEBP", lossless=True),
            "webp_alpha": encoded(transparent, "WEBP", lossless=True),
            "webp_animated": encoded(picture, "WEBP", save_all=True, append_images=frames, quality=90),
            "gif": encoded(picture, "GIF"),
            "gif_animated": encoded(picture, "GIF", save_all=True, append_images=frames),
            "bmp": encoded(picture, "BMP"),
            "bmp_palette": encoded(palette, "BMP"),
            "tiff_lzw": encoded(picture, "TIFF", compression="tiff_lzw"),
            "tiff_jpeg": encoded(picture, "TIFF", compression="jpeg", quality=95),
            "tiff_fax": encoded(picture.convert("1"), "TIFF", compression="group4"),
            "tiff_cmyk": encoded(cmyk, "TIFF"),
            "tiff_lab": encoded(lab, "TIFF"),
            "tiff_ycbcr": encoded(picture.convert("YCbCr"), "TIFF"),
            "tiff_grey_16": encoded(Image.fromarray(sixteen), "TIFF"),
            "tiff_integer_32": encoded(Image.fromarray(sixteen.astype(np.int32)), "TIFF"),
            "tiff_float": encoded(Image.fromarray(np.asarray(grey, dtype=np.float32) / 255), "TIFF"),
            "tiff_nan": encoded(Image.fromarray(np.full((32, 32), np.nan, dtype=np.float32)), "TIFF"),
            "tiff_alpha": encoded(transparent, "TIFF"),
            "tiff_pages": encoded(picture, "TIFF", save_all=True, append_images=frames),
        }.items()
    )


def _oriented() -> Iterator[Hostile]:
    for orientation in range(1, 9):
        yield Hostile(f"orientation_{orientation}", upright(orientation), None)
    for kind in ("PNG", "WEBP", "TIFF"):
        yield Hostile(f"orientation_6_{kind.lower()}", upright(6, kind=kind), None)


def _hostile_exif() -> Iterator[Hostile]:
    orientation = (0x0112, 3, 1, 6)
    for name, exif in {
        "none": b"",
        "text": b"this is no TIFF structure at all",
        "header_only": b"II*\0\x08\0\0\0",
        "directory_outside": b"MM\0*\xff\xff\xff\xff",
        "directory_in_header": b"II*\0\0\0\0\0",
        "itself_next": crafted.directory([(0x0128, 3, 1, 2)], after=8),
        "itself_within": crafted.directory(
            [(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)], after=8
        ),
        "more_entries_than_bytes": crafted.directory([(0x0128, 3, 1, 2)], count=65_535),
        "huge_count": crafted.directory([(0x010F, 2, 2**32 - 1, 8), (0x0110, 12, 2**32 - 1, 8)]),
        "offset_outside": crafted.directory([(0x010F, 2, 1_000, 2**32 - 2), (0x011A, 5, 1, 2**31)]),
        "divided_by_zero": crafted.directory([(0x0128, 3, 1, 2), (0x011A, 5, 1, 42), (0x011B, 5, 1, 42)])
        + bytes(8),
        "unknown_type": crafted.directory([(0x0112, 99, 1, 6)]),
        "same_tag_often": crafted.directory([(0x010F, 7, 40_000, 8)] * 3_000) + bytes(4_000),
        "orientation_0": crafted.directory([(0x0112, 3, 1, 0)]),
        "orientation_9": crafted.directory([(0x0112, 3, 1, 9)]),
        "orientation_text": crafted.directory([(0x0112, 2, 4, 0x36363636)]),
        "orientation_many": crafted.directory([(0x0112, 3, 2, 0x00060006)]),
        "orientation_huge_count": crafted.directory([(0x0112, 3, 2**32 - 1, 6)]),
    }.items():
        yield Hostile(f"exif_{name}", with_exif(photo(), exif), None)
        yield Hostile(f"exif_{name}_png", _png_with(crafted.chunk(b"eXIf", exif)), None)
    yield Hostile(
        "exif_twice", with_exif(with_exif(photo(), crafted.directory([orientation])), b"junk"), None
    )
    looped = tiff(64, 64, after=8)
    yield Hostile("tiff_loop", looped, None)
    yield Hostile("tiff_tag_bomb", tiff(64, 64, (0x010F, 2, 2**32 - 1, 8), (0x8773, 7, 2**31, 8)), None)
    yield Hostile(
        "tiff_size_twice",
        tiff(64, 64).replace(struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 4, 2)),
        "undecodable",
    )


def _metadata() -> Iterator[Hostile]:
    info = PngInfo()
    info.add_text("Comment", "x" * 900_000, zip=True)
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    yield Hostile("png_texts", encoded(scene(), "PNG", pnginfo=info), None)
    yield Hostile(
        "jpeg_xmp_flood", with_segment(photo(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<" * 60_000), None
    )
    yield Hostile(
        "jpeg_broken_profile", with_segment(photo(), 0xE2, b"ICC_PROFILE\0\xff\xff" + bytes(500)), None
    )
    yield Hostile("jpeg_broken_mpf", with_segment(photo(), 0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"), None)
    yield Hostile(
        "jpeg_broken_photoshop",
        with_segment(photo(), 0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\xff\xff"),
        None,
    )
    yield Hostile("jpeg_padded", photo()[:2] + b"\xff" * 50 + photo()[2:], None)
    yield Hostile("png_animation_broken", _png_with(crafted.chunk(b"acTL", b"\0\0\0\0\0\0\0\0")), None)


def _polyglots() -> Iterator[Hostile]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("run.sh", "echo hello")
    for kind in ("JPEG", "PNG", "GIF"):
        yield Hostile(f"polyglot_{kind.lower()}_zip", encoded(scene(), kind) + archive.getvalue(), None)
    yield Hostile("polyglot_jpeg_script", with_segment(photo(), 0xFE, b"*/=alert(1);/*"), None)
    yield Hostile("polyglot_gif_script", b"GIF89a=1;/*" + b"*/alert(1);" * 20, "undecodable")
    yield Hostile("polyglot_pdf_jpeg", b"%PDF-1.7\n" + photo(), "unsupported_format")
    yield Hostile("polyglot_bmp_text", b"BM: this text begins like an image and is none", "too_many_pixels")


# --- personal data that must not show anywhere -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Canary:
    """A photo full of personal data, and every form of it that must not appear in any output."""

    data: bytes
    file_name: str
    caption: str
    needles: tuple[str, ...]


def canary_photo() -> Canary:
    """A JPEG with position, serial numbers, author, caption, comment, XMP and IPTC.

    The position is given in the forms that rounding could leave: decimal degrees, with few decimals only
    where the sign tells them from a latency, and degrees, minutes, seconds.
    """
    latitude, longitude = 41.718293, 171.634857  # south, west
    words = {
        "author": "Canaria Birdsworth",
        "caption": "canary-caption: aunt Ottilie at the lighthouse",
        "comment": "canary-comment-77813",
        "file_name": "canary-holiday-ottilie-4711.jpg",
        "serial": "CANARY-SERIAL-0815-4242",
        "lens": "CANARY-LENS-99-1337",
        "camera": "CanaryCam Mark IX",
        "xmp": "canary-xmp-place-Karamea",
        "time": "2019:08:07 06:05:04",
        "unique": "c0ffee00canary00c0ffee00canary00",
    }
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0110] = words["caption"], words["author"], words["camera"]
    exif[0x0132] = words["time"]
    exif.get_ifd(0x8769).update(
        {
            0x9003: words["time"],
            0x9286: b"ASCII\0\0\0" + words["comment"].encode(),
            0xA430: words["author"],
            0xA431: words["serial"],
            0xA435: words["lens"],
            0xA420: words["unique"],
        }
    )
    exif.get_ifd(0x8825).update(
        {1: "S", 2: _sexagesimal(latitude), 3: "W", 4: _sexagesimal(longitude), 29: "2019:08:07"}
    )
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/" place="{words["xmp"]}" lat="{latitude}"/>'.encode()
    data = encoded(scene(), "JPEG", exif=exif, comment=words["comment"], xmp=xmp)
    iptc = struct.pack(">BBBH", 0x1C, 2, 120, len(words["caption"])) + words["caption"].encode()
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    data = with_segment(data, 0xED, b"Photoshop 3.0\0" + block)
    needles = [
        *words.values(),
        words["file_name"].removesuffix(".jpg"),
        "canary",
        "CANARY",
        "Ottilie",
        "Karamea",
    ]
    needles += [words["time"].replace(":", "-", 2), words["time"].replace(":", "-", 2).replace(" ", "T")]
    for degrees in (latitude, longitude):
        needles += [f"{-degrees:.{decimals}f}" for decimals in range(1, 7)]
        needles += [f"{degrees:.{decimals}f}" for decimals in range(4, 7)]
        whole, minutes, seconds = _sexagesimal(degrees)
        needles += [f"{whole:.0f}°{minutes:.0f}", f"({whole}, {minutes}, {seconds})", f"{seconds:.4f}"]
    return Canary(data, words["file_name"], words["caption"], tuple(dict.fromkeys(needles)))


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 4)
