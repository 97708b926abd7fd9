"""What training photos go through: a random cut, and weather, darkness and bad cameras.

The corruptions are those of `training.evaluation.corruptions`, of which only some are trained on: never the
strongest of any, and two kinds not at all. So the table of robustness of a model that was trained here holds
both what it has seen (see `TRAINED_ON`) and what it has not; only the latter says how it bears the unknown.

No photo is mirrored: the side on which people drive, and all writing, tell of a continent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from training.evaluation.corruptions import CORRUPTIONS
from worker.record import Pixels

HELD_OUT: Final = ("low_resolution", "motion")
"""Corruptions that no training photo ever goes through."""

TRAINED_ON: Final[Mapping[str, tuple[int, ...]]] = {
    name: (1, 2) for name in CORRUPTIONS if name not in HELD_OUT
}
"""The corruptions that are trained on, and at which of their severities."""

_NARROWEST: Final = 3 / 4
"""Width by height of a cut lies between this and its inverse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How much befalls a photo.

    `corrupted` is the share of photos that go through one corruption, `least_area` the least share of the
    area that is cut out.
    """

    corrupted: float = 0.5
    least_area: float = 0.5


def augmented(canvas: Pixels, size: int, how: Augmentation, rng: np.random.Generator) -> Pixels:
    """One photo as it is trained on, uint8 (size, size, 3); the same generator gives the same.

    Args:
        canvas: the photo's centre square before the crop, uint8 (side, side, 3), side about 300.
        size: the backbone's input.
        how: how often, how much.
        rng: what decides.
    """
    if rng.random() < how.corrupted:
        name = str(rng.choice(list(TRAINED_ON)))
        canvas = CORRUPTIONS[name](canvas, int(rng.choice(TRAINED_ON[name])), rng)
    return cut(canvas, size, how.least_area, rng)


def cut(canvas: Pixels, size: int, least_area: float, rng: np.random.Generator) -> Pixels:
    """A random rectangle of the photo, resized to the input, bicubic (Szegedy et al., 2015).

    Its area is at least `least_area` of the photo's, its sides between 3:4 and 4:3, both by chance.
    """
    height, width = canvas.shape[:2]
    area = rng.uniform(least_area, 1.0) * height * width
    ratio = np.exp(rng.uniform(np.log(_NARROWEST), -np.log(_NARROWEST)))
    broad, tall = min(width, np.sqrt(area * ratio)), min(height, np.sqrt(area / ratio))
    left, top = rng.uniform(0, width - broad), rng.uniform(0, height - tall)
    box = (left, top, left + broad, top + tall)
    return np.asarray(Image.fromarray(canvas).resize((size, size), Image.Resampling.BICUBIC, box=box))
