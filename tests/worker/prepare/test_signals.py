"""Brightness and sharpness of pictures whose values are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.crafted import scene
from worker.prepare.signals import HALF_SHARP, measure


@pytest.mark.parametrize("level", [0, 51, 128, 255])
def test_a_flat_picture_is_as_bright_as_its_level_and_not_sharp(level: int) -> None:
    """A grey level is its own brightness; without edges there is no sharpness."""
    signals = measure(np.full((260, 260, 3), level, dtype=np.uint8))
    assert signals.brightness == pytest.approx(level / 255, abs=1e-6)
    assert signals.sharpness == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("channel", "weight"), [(0, 0.299), (1, 0.587), (2, 0.114)])
def test_each_channel_counts_as_the_eye_sees_it(channel: int, weight: float) -> None:
    """Pure red, green and blue are as bright as their weights in luminance."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[..., channel] = 255
    assert measure(pixels).brightness == pytest.approx(weight, abs=1e-6)


def test_a_chessboard_has_the_variance_that_arithmetic_gives() -> None:
    """On a board of 0 and 255 every Laplacian is ±4 · 255, so the variance is that squared."""
    board = np.indices((62, 62)).sum(axis=0) % 2 * 255
    variance = (4 * 255.0) ** 2
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert measure(pixels).sharpness == pytest.approx(variance / (variance + HALF_SHARP), abs=1e-6)


def test_blur_lowers_sharpness_and_leaves_brightness() -> None:
    """The more a picture is blurred the less sharp it is, while its light stays the same."""
    picture = scene(260, 260)
    blurred = [picture.filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 4)]
    signals = [measure(np.asarray(image)) for image in blurred]
    sharpness = [signal.sharpness for signal in signals]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 2 * sharpness[-1]
    assert [signal.brightness for signal in signals] == pytest.approx([signals[0].brightness] * 4, abs=0.01)


def test_it_takes_any_layout_in_memory() -> None:
    """A turned view of the pixels, not contiguous in memory, measures like its copy."""
    pixels = np.asarray(Image.new("RGB", (32, 16), (9, 8, 7))).transpose(1, 0, 2)
    assert measure(pixels) == measure(pixels.copy())
