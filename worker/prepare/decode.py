"""Image bytes → the pixels that the engine sees: the one preprocessing of training and serving.

The content decides the format, never a name or a content type. Colour profiles (ICC) are ignored, knowingly:
the photos that the heads were fitted on were decoded without them too, and a profile is one more parser for
a hostile file to reach. Of an animation, the first frame counts.

Everything that a hostile file can do ends in `Reject`; limits are checked before a pixel is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from worker.errors import Reject
from worker.prepare import colour, container, signals
from worker.record import Pixels, Prepared

MOST_PIXELS: Final = 89_000_000
"""Whatever the limits say: above this Pillow warns, or raises, by a global of its own."""

WEBP_PIXELS: Final = 2
"""What a pixel of WebP counts: its decoder takes 16 bytes for each, twice as many as any other's worst."""

# The classes, not Image.open: that one warns about (or refuses) sizes by a global of Pillow's own, and turns
# a damaged header of a known format into "unknown".
_OPENERS: Final[dict[container.Format, Callable[[io.BytesIO], ImageFile.ImageFile]]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "tiff": TiffImageFile,
    "bmp": BmpImageFile,
}

# EXIF 2.32, tag 0x0112: how to turn the stored image to see it upright.
_UPRIGHT: Final[dict[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """How large an image may be before it is decoded: `pixels` = width × height, `side` = the longer one.

    Decoding takes at most 8 bytes a pixel (RGBA; 4 for RGB, less for JPEG, which is decoded small).
    """

    pixels: int
    side: int


@dataclass(frozen=True, slots=True)
class Target:
    """What the engine takes: a square of `size` pixels, cut from the centre of a `size / crop` resize."""

    size: int
    crop: float

    @property
    def resized(self) -> int:
        """The shorter side after resizing, before the centre crop."""
        return round(self.size / self.crop)


def decode(data: bytes, limits: DecodeLimits, target: Target) -> Prepared:
    """Decode one photo to the engine's input.

    The shorter side is resized to `target.resized` (bicubic, antialiased), the centre `size` × `size` cut
    out, upright by the EXIF orientation, transparency laid on white, RGB.

    Args:
        data: the file: JPEG, PNG, WebP, GIF, TIFF or BMP.
        limits: checked against the header, before decoding.
        target: the recipe, from the model card.

    Returns:
        Pixels uint8 (size, size, 3) and their signals.

    Raises:
        Reject: empty, unsupported_format, truncated, undecodable or too_many_pixels; never anything else.
    """
    if not data:
        raise Reject("empty", "The record has no image bytes.")
    try:
        pixels = _pixels(data, limits, target)
    except Reject:
        raise
    except MemoryError:
        raise Reject("too_many_pixels", "The image needs more memory than there is.") from None
    except Exception as exc:  # noqa: BLE001 - a hostile file makes decoders raise anything; it must cost one record
        # `from None`: the vendor's message may quote the file.
        raise _rejected(exc) from None
    return Prepared(pixels=pixels, signals=signals.measure(pixels))


def _pixels(data: bytes, limits: DecodeLimits, target: Target) -> Pixels:
    """Open, check, shrink, turn and colour; raises whatever Pillow raises."""
    bare = container.strip(data)
    if bare.format == "webp":
        limits = replace(limits, pixels=limits.pixels // WEBP_PIXELS)
    _check(bare.size, limits)
    with _OPENERS[bare.format](io.BytesIO(bare.data)) as image:
        _check(image.size, limits)
        if bare.format == "jpeg":
            # Decoding at 1/2, 1/4 or 1/8 in the DCT domain, never below the size that is resized to: 2 MP
            # take 0.39 and 12 MP 0.16 of a whole decode's time. It changes embeddings (cosine 0.994 or more)
            # less than one more JPEG encoding at quality 85 does (down to 0.976).
            image.draft(None, _at_least(image.size, target.resized))
        image.load()
        small = colour.to_rgb(image, lambda source: _centre(source, target))
    turn = _UPRIGHT.get(bare.orientation)
    return np.asarray(small if turn is None else small.transpose(turn))


def _check(size: tuple[int, int], limits: DecodeLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise Reject("undecodable", "The image has no area.")
    if max(width, height) > limits.side:
        raise Reject("too_many_pixels", f"A side of the image is longer than {limits.side} pixels.")
    most = min(limits.pixels, MOST_PIXELS)
    if width * height > most:
        raise Reject("too_many_pixels", f"The image has more than {most} pixels.")


def _at_least(size: tuple[int, int], shorter: int) -> tuple[int, int]:
    """The size whose shorter side is `shorter`, in the proportions of `size`."""
    scale = shorter / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _centre(image: Image.Image, target: Target) -> Image.Image:
    """Resize and centre crop in one step: only what ends up in the crop is ever resampled.

    The same as resizing and then cropping, up to half a pixel of rounding, but an image of 20,000 × 10
    never becomes one of 594,000 × 297 on the way. The box is symmetric, so it may be cut before turning.
    """
    width, height = image.size
    side = min(width, height) * target.size / target.resized
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((target.size, target.size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _rejected(exc: Exception) -> Reject:
    if isinstance(exc, (EOFError, OSError)) and "truncated" in str(exc).lower():
        return Reject("truncated", "The image ends before its last pixel.")
    return Reject("undecodable", "The image is damaged and cannot be decoded.")
