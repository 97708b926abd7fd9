"""Near-duplicates by perceptual hash: the same picture again, smaller, recompressed, mirrored or turned.

The hash is pHash over 16 × 16 frequencies: the low end of the discrete cosine transform of 64 × 64 grey
pixels, each coefficient above or below their median (Zauner 2010, "Implementation and benchmarking of
perceptual image hash functions"; bit for bit `imagehash.phash(image, hash_size=16, highfreq_factor=4)`). It
sees the centre square, as the model does: what is a duplicate to the model is one here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

from worker.prepare.decode import Target
from worker.record import Pixels

TARGET: Final = Target(64, 1.0)
"""What is hashed: the whole centre square at 64 × 64 pixels."""

FREQUENCIES: Final = 16
WORDS: Final = FREQUENCIES * FREQUENCIES // 64
VARIANTS: Final = 8

DISTANCE: Final = 64
"""Bits of 256 in which near-duplicates differ at most; docs/data.md has what it was chosen from."""

_BITS: Final = FREQUENCIES * FREQUENCIES
_BLOCK: Final = 1_024

Hash = npt.NDArray[np.uint64]
"""One picture's hash, uint64, shape (VARIANTS, WORDS): as it is, and turned and mirrored in every way."""


def hash_of(pixels: Pixels) -> Hash:
    """The perceptual hash of a picture, uint8 (64, 64, 3) as decoded for `TARGET`."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64)
    low = dctn(grey, type=2)[:FREQUENCIES, :FREQUENCIES]
    return np.stack([_pack(low * signs) for signs in _SIGNS] + [_pack((low * signs).T) for signs in _SIGNS])


def _signs() -> tuple[npt.NDArray[np.float64], ...]:
    """Mirroring a picture changes the sign of every odd frequency along that side; turning transposes."""
    even = np.ones(FREQUENCIES)
    odd = np.where(np.arange(FREQUENCIES) % 2, -1.0, 1.0)
    return tuple(np.outer(down, across) for down in (even, odd) for across in (even, odd))


_SIGNS: Final = _signs()


def _pack(low: npt.NDArray[np.float64]) -> Hash:
    return np.packbits(low > np.median(low)).view(np.uint64)


def distance(one: Hash, other: Hash) -> int:
    """The fewest bits in which the pictures differ, however the other is turned or mirrored; 0–256."""
    return int(np.bitwise_count(one[0] ^ other).sum(axis=1).min())


def near(
    hashes: npt.NDArray[np.uint64],
    *,
    within: int = DISTANCE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> npt.NDArray[np.int64]:
    """Every pair of near-duplicates.

    Args:
        hashes: shape (n, VARIANTS, WORDS).
        within: the most bits in which the two differ.
        progress: told how many pictures of how many were compared.

    Returns:
        int64 (pairs, 2): rows i < j, in ascending order.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(hashes), _BLOCK):
        turned = _signed(hashes[start : start + _BLOCK])
        for before in range(0, start + 1, _BLOCK):
            # The turns and mirrorings are a group: comparing one side as it is misses nothing.
            alike = _signed(hashes[before : before + _BLOCK, :1]) @ turned.T
            close = (alike >= _BITS - 2 * within).reshape(len(alike), -1, VARIANTS).any(axis=2)
            i, j = np.nonzero(close)
            pairs = np.stack([i + before, j + start], axis=1)
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
        progress(min(start + _BLOCK, len(hashes)), len(hashes))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _signed(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.float32]:
    """Every bit as ±1, shape (hashes, 256): their products count, exactly, the bits that are alike."""
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, _BITS // 8), axis=1)
    return bits.astype(np.float32) * 2 - 1
