"""Near-duplicates are found however they were altered, and different pictures are not taken for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from tests.training.data.made import jpeg, scene
from training.data import perceptual
from training.data.photo import LIMITS
from worker.prepare.decode import decode
from worker.record import Pixels

GOLDEN = {
    0: "a1df457fa35f057a4bd9afb13ac2728a051f6a34dae59f80b5203a15dd203a94",
    1: "fd1aa275b2df27906fca6695003f0b6a201f82f5aea508f51ea5183f5ea5083f",
    2: "917ea855ab9562e598b52ae173cad720047efee07d8a559a7780c5187f83558a",
}
"""`imagehash.phash(image, hash_size=16, highfreq_factor=4)` of imagehash 4.3.2, on `square(seed)`."""


def square(seed: int) -> Pixels:
    """A picture of 64 × 64 pixels by arithmetic alone, so that no decoder or resizer has a say in it."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:64, 0:64] / 64
    waves = sum(
        generator.normal() * np.cos(np.pi * (generator.integers(0, 12) * y + generator.integers(0, 12) * x))
        for _ in range(40)
    )
    grey = np.clip(128 + 12 * np.asarray(waves), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def hashed(image: Image.Image) -> perceptual.Hash:
    """The hash of a picture that was saved as a JPEG."""
    return perceptual.hash_of(decode(jpeg(np.asarray(image)), LIMITS, perceptual.TARGET).pixels)


@pytest.mark.parametrize("seed", GOLDEN)
def test_the_hash_is_that_of_imagehash(seed: int) -> None:
    """Bit for bit the hash that the independent library computes."""
    bits = np.unpackbits(perceptual.hash_of(square(seed))[0].view(np.uint8))
    assert np.packbits(bits).tobytes().hex() == GOLDEN[seed]


def test_turning_a_picture_permutes_its_hashes() -> None:
    """The eight hashes are those of the eight pictures: mirrored and turned pixels, but for ties."""
    pixels = square(3)
    found = perceptual.hash_of(pixels)
    for turned in (pixels, pixels.transpose(1, 0, 2)):
        for flipped in (turned, turned[::-1], turned[:, ::-1], turned[::-1, ::-1]):
            apart = np.bitwise_count(found ^ perceptual.hash_of(np.ascontiguousarray(flipped))[0]).sum(axis=1)
            assert apart.min() <= 2
            assert np.sort(apart)[1] > perceptual.DISTANCE


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "cut": lambda image: image.crop((1, 1, image.width - 1, image.height - 1)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_picture_is_a_near_duplicate(how: str) -> None:
    """Smaller, brighter, blurred, grey, cut, mirrored or turned: still the same picture."""
    for seed in range(5):
        image = Image.fromarray(scene(seed))
        assert perceptual.distance(hashed(image), hashed(ALTERED[how](image))) <= perceptual.DISTANCE


def test_pairs_are_those_of_comparing_all_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found block by block, the pairs are those of the definition, each once and in order."""
    monkeypatch.setattr(perceptual, "_BLOCK", 4)
    images = [Image.fromarray(scene(seed)) for seed in range(6)]
    images += [ALTERED["mirrored"](images[4]), ALTERED["grey"](images[0]), images[0]]
    hashes = np.stack([hashed(image) for image in images])
    reported: list[tuple[int, int]] = []
    found = perceptual.near(hashes, progress=lambda done, total: reported.append((done, total)))
    expected = [
        [i, j]
        for i in range(len(images))
        for j in range(i + 1, len(images))
        if perceptual.distance(hashes[i], hashes[j]) <= perceptual.DISTANCE
    ]
    assert found.tolist() == expected == [[0, 7], [0, 8], [4, 6], [7, 8]]
    assert reported == [(4, 9), (8, 9), (9, 9)]


def test_the_distance_is_kept_to_the_bit() -> None:
    """Of hashes that differ from the first in 63, 64 and 65 bits, those within 64 are its near-duplicates."""
    bits = np.random.default_rng(1).integers(0, 2, (4, perceptual.VARIANTS, 256), dtype=np.uint8)
    for row, differing in ((1, 63), (2, 64), (3, 65)):
        bits[row, 5] = bits[0, 0]
        bits[row, 5, :differing] ^= 1
    hashes = np.packbits(bits, axis=2).view(np.uint64)
    assert perceptual.near(hashes, within=64).tolist() == [[0, 1], [0, 2]]
    assert perceptual.near(hashes, within=63).tolist() == [[0, 1]]


def test_no_pictures_have_no_pairs() -> None:
    """An empty data set is no special case."""
    assert perceptual.near(np.empty((0, perceptual.VARIANTS, perceptual.WORDS), np.uint64)).shape == (0, 2)
