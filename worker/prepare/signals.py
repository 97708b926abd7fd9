"""What the pixels tell about a photo's quality: brightness and sharpness, for the drift monitor.

Both are read from the crop that the engine sees, so they are comparable between photos of any size.
"""

from __future__ import annotations

import numpy as np

from worker.record import ImageSignals, Pixels

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G, B in luminance (ITU-R BT.601, the weights that JPEG itself uses)."""

HALF_SHARP = 2_000.0
"""Variance of the Laplacian (8-bit levels squared) that reads as sharpness 0.5; photos lie around it."""


def measure(pixels: Pixels) -> ImageSignals:
    """Measure brightness and sharpness of one crop.

    Args:
        pixels: uint8, shape (height, width, 3), RGB, both sides at least 3.

    Returns:
        `brightness`: mean luminance, 0 black to 1 white. `sharpness`: v / (v + 2000), where v is the variance
        of the 4-neighbour Laplacian of the luminance (Pech-Pacheco et al., 2000); 0 flat, 1 in the limit.

    >>> measure(np.zeros((8, 8, 3), dtype=np.uint8))
    ImageSignals(brightness=0.0, sharpness=0.0)
    """
    luminance = pixels @ _LUMA
    # In place, and the variance as a dot product: a quarter of the time goes into arrays otherwise.
    laplacian = luminance[1:-1, :-2] + luminance[1:-1, 2:]
    laplacian += luminance[:-2, 1:-1]
    laplacian += luminance[2:, 1:-1]
    laplacian -= 4 * luminance[1:-1, 1:-1]
    flat = laplacian.ravel()
    variance = max(0.0, float(flat @ flat) / flat.size - float(flat.mean()) ** 2)
    return ImageSignals(
        brightness=min(float(luminance.mean()) / 255.0, 1.0),
        sharpness=variance / (variance + HALF_SHARP),
    )
