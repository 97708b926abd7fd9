"""What happens to photos on their way: compression, weather, darkness; each at three severities.

Deterministic. What ships was trained with none of them; what `pangaea finetune` trains has seen severities 1
and 2 of nine of them, and is judged on the others: a model that was shown a corruption would only prove that
it remembers it. After ImageNet-C (Hendrycks and Dietterich,
2019), on images whose shorter side is about 300 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from worker.record import Pixels

Corrupt = Callable[[Pixels, int, np.random.Generator], Pixels]
SEVERITIES: Final = (1, 2, 3)
_Float = npt.NDArray[np.float64]


def corrupted(name: str, pixels: Pixels, severity: int) -> Pixels:
    """The photo, uint8 (height, width, 3), after one corruption; the same photo always comes out the same.

    Raises:
        KeyError: there is no such corruption.
        IndexError: the severity is not 1, 2 or 3.
    """
    seed = crc32(pixels.tobytes(), crc32(f"{name} {severity}".encode()))
    return CORRUPTIONS[name](pixels, severity, np.random.default_rng(seed))


def compression(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """JPEG at quality 30, 15, 7."""
    del rng
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=(30, 15, 7)[severity - 1])
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def low_resolution(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Made smaller by 2, 4, 8 and large again."""
    del rng
    image, by = Image.fromarray(pixels), (2, 4, 8)[severity - 1]
    small = image.resize((max(1, image.width // by), max(1, image.height // by)), Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


def noise(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of the sensor: standard deviation 0.06, 0.12, 0.22 of the range."""
    return _bytes(_unit(pixels) + rng.normal(0, (0.06, 0.12, 0.22)[severity - 1], pixels.shape))


def blur(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Out of focus: a Gaussian of 1.5, 3, 6 pixels."""
    del rng
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur((1.5, 3, 6)[severity - 1])))


def motion(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Moved while exposed: the mean of the photo shifted along a line of 7, 15, 27 pixels."""
    length, angle = (7, 15, 27)[severity - 1], rng.uniform(0, np.pi)
    steps = np.linspace(-0.5, 0.5, length) * length
    total = np.zeros(pixels.shape)
    for step in steps:
        total += _shift(pixels, round(step * np.sin(angle)), round(step * np.cos(angle)))
    return _bytes(total / (255 * length))


def low_light(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Dusk to night: light × 0.45, 0.25, 0.12, with the noise that a sensor then shows."""
    light = (0.45, 0.25, 0.12)[severity - 1]
    dark = _unit(pixels) ** 1.2 * light
    return _bytes(dark + rng.normal(0, 0.02 * severity, pixels.shape) * np.sqrt(dark + 0.01))


def glare(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """The sun in the picture: a bright disc fading out, and contrast lost all over."""
    strength = (0.5, 0.8, 1.1)[severity - 1]
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    at = rng.uniform(0.1, 0.5) * height, rng.uniform(0.2, 0.8) * width
    away = np.hypot(y - at[0], x - at[1]) / max(height, width)
    light = strength * (np.exp(-((away / 0.25) ** 2)) + 0.25)
    return _bytes(_unit(pixels) + light[..., None] * np.array([1.0, 0.97, 0.88]))


def fog(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Uneven white over the photo: 40%, 60%, 78% of it on average."""
    amount = (0.40, 0.60, 0.78)[severity - 1]
    veil = np.clip(amount + 0.25 * (_clouds(pixels.shape[:2], rng) - 0.5), 0, 0.95)[..., None]
    return _bytes(_unit(pixels) * (1 - veil) + 0.86 * veil)


def rain(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Streaks at a slant, 150, 350, 700 of them, in a darker and duller scene."""
    height, width = pixels.shape[:2]
    layer = Image.new("L", (width, height))
    pen = ImageDraw.Draw(layer)
    slant = rng.uniform(-0.35, 0.35)
    for x, y, length in _places(rng, (150, 350, 700)[severity - 1], height, width, (10, 28)):
        pen.line((x, y, x + slant * length, y + length), fill=int(rng.integers(110, 220)), width=1)
    streaks = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.6))).astype(np.float64)[..., None] / 255
    scene = _unit(pixels)
    dull = (scene + 0.15 * severity * (scene.mean(axis=2, keepdims=True) - scene)) * (1 - 0.08 * severity)
    return _bytes(dull * (1 - streaks) + 0.85 * streaks)


def snow(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Flakes near and far, 200, 500, 1,000 of them, in a paler scene."""
    height, width = pixels.shape[:2]
    layer = Image.new("L", (width, height))
    pen = ImageDraw.Draw(layer)
    for x, y, size in _places(rng, (200, 500, 1000)[severity - 1], height, width, (1, 4)):
        pen.ellipse((x, y, x + size, y + size), fill=255)
    flakes = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.9))).astype(np.float64)[..., None] / 255
    pale = 0.1 * severity
    return _bytes((_unit(pixels) * (1 - pale) + 0.9 * pale) * (1 - flakes) + flakes)


def occlusion(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A grey block before the lens: 10%, 25%, 45% of the photo's area."""
    height, width = pixels.shape[:2]
    side = np.sqrt((0.10, 0.25, 0.45)[severity - 1])
    tall, broad = int(height * side), int(width * side)
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - broad + 1))
    covered = pixels.copy()
    covered[top : top + tall, left : left + broad] = 127
    return covered


CORRUPTIONS: Final[Mapping[str, Corrupt]] = {
    "compression": compression,
    "low_resolution": low_resolution,
    "noise": noise,
    "blur": blur,
    "motion": motion,
    "low_light": low_light,
    "glare": glare,
    "fog": fog,
    "rain": rain,
    "snow": snow,
    "occlusion": occlusion,
}
"""Every corruption by its name in the table."""


def _unit(pixels: Pixels) -> _Float:
    return pixels.astype(np.float64) / 255


def _bytes(values: _Float) -> Pixels:
    return np.asarray(np.clip(values * 255 + 0.5, 0, 255), dtype=np.uint8)


def _shift(pixels: Pixels, down: int, right: int) -> Pixels:
    """Moved by so many pixels; what leaves on one side is repeated from the edge, not brought round."""
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return pixels[rows][:, columns]


def _clouds(shape: tuple[int, int], rng: np.random.Generator) -> _Float:
    """Smooth noise in 0–1: random grids of three sizes, each enlarged."""
    total = np.zeros(shape)
    for cells, weight in ((3, 0.6), (7, 0.3), (15, 0.1)):
        grid = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
        total += weight * np.asarray(grid.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)) / 255
    return total


def _places(
    rng: np.random.Generator, count: int, height: int, width: int, size: tuple[int, int]
) -> list[tuple[float, float, float]]:
    """Where streaks and flakes begin (x, y) and how long they are."""
    x, y = rng.uniform(-20, width, count), rng.uniform(-20, height, count)
    return list(zip(x.tolist(), y.tolist(), rng.uniform(*size, count).tolist(), strict=True))
