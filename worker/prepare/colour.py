"""Any of Pillow's modes → RGB, shrinking on the way where the mode can be resampled as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

Shrink = Callable[[Image.Image], Image.Image]

WHITE = (255, 255, 255)
"""What lies under transparency: a page is white, so is what most viewers show."""

_SIXTEEN_BIT_WHITE = 65_535


def to_rgb(image: Image.Image, shrink: Shrink) -> Image.Image:
    """Apply `shrink` and give RGB, 8 bit.

    Shrinking comes first where it can, so that only the small image is converted; palettes and colour keys
    must be resolved before, since neighbouring indices are not neighbouring colours.

    Args:
        image: loaded, in any mode that the six formats yield.
        shrink: resamples an image of a mode that can be resampled.
    """
    mode = image.mode
    if "transparency" in image.info or mode in {"PA", "RGBa", "La"}:
        rgb = _on_white(shrink(image.convert("RGBA")))
    elif mode in {"RGBA", "LA"}:
        rgb = _on_white(shrink(image))
    elif mode in {"P", "1"}:
        rgb = shrink(image.convert("RGB" if mode == "P" else "L"))
    elif mode.startswith("I;16"):
        rgb = _scaled(shrink(image.convert("I")), low=0, high=_SIXTEEN_BIT_WHITE)
    elif mode in {"I", "F"}:
        rgb = _stretched(shrink(image))
    else:
        rgb = shrink(image)
    return rgb.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    page = Image.new("RGB", rgba.size, WHITE)
    page.paste(rgba, mask=rgba.getchannel("A"))
    return page


def _stretched(image: Image.Image) -> Image.Image:
    """32-bit integers and floats have no white point: floats in 0–1 by convention, else the brightest."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    return _scaled(image, low=low, high=high)


def _scaled(image: Image.Image, *, low: float, high: float) -> Image.Image:
    """Map low → 0 and high → 255, one channel to three."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    span = high - low or 1.0
    grey = np.clip((values - low) / span * 255.0, 0, 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
