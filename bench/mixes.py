"""Named photo mixes: the example photos in the sizes that people send, made once and kept.

Made larger, a small photo is smoother than what a camera gives, and decodes too cheaply: so what is enlarged
gets grain.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from local.home import home
from local.install import Meter, once, silent
from worker.errors import Refuse

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples" / "photos"
QUALITY: Final = 90
GRAIN: Final = 3.0
"""Standard deviation of the grain, in steps of 8 bits: about what a small sensor leaves at ISO 200."""

FORMAT: Final = "1"
"""Raised when the same sources shall give other mixes."""

NEEDS_MIB: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How a mix is made: by its longer `side` (never enlarged) or so many `pixels`, from how many photos."""

    name: str
    what: str
    photos: int
    side: int | None = None
    pixels: int | None = None


MIXES: Final[Mapping[str, Mix]] = {
    mix.name: mix
    for mix in (
        Mix(name="512px", what="longer side 512 pixels", photos=29, side=512),
        Mix(name="2mp", what="2 megapixels, with grain", photos=12, pixels=2_000_000),
        Mix(name="12mp", what="12 megapixels, with grain", photos=6, pixels=12_000_000),
    )
}


def folder(name: str, meter: Meter = silent) -> Path:
    """Return the folder of a mix, its JPEG files named in the order they are sent, made if it is not there.

    Raises:
        Refuse: there is no such mix, or the disk is full.
    """
    mix = MIXES.get(name)
    if mix is None:
        raise Refuse(f"there is no photo mix {name}: choose one of {', '.join(MIXES)}.", exit_code=2)
    sources = sorted(EXAMPLES.glob("*.jpg"))
    # Spread over the continents, which the names are sorted by.
    chosen = [sources[number * len(sources) // mix.photos] for number in range(min(mix.photos, len(sources)))]
    digest = hashlib.sha256(repr((FORMAT, mix, QUALITY, GRAIN)).encode())
    for source in chosen:
        digest.update(source.read_bytes())

    def build(target: Path) -> None:
        for number, source in enumerate(chosen):
            meter(f"Photos: {name}", number, len(chosen))
            (target / f"{number:03}.jpg").write_bytes(made(source.read_bytes(), mix, seed=number))
        meter(f"Photos: {name}", len(chosen), len(chosen))

    place = home() / "mixes" / f"{name}-{digest.hexdigest()[:12]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    return once(place, build, needs_mib=NEEDS_MIB)


def photos(place: Path) -> tuple[bytes, ...]:
    """Return the files of a mix's folder, in the order they are sent."""
    return tuple(path.read_bytes() for path in sorted(place.glob("*.jpg")))


def made(photo: bytes, mix: Mix, *, seed: int) -> bytes:
    """Return a photo as the mix has it: a JPEG; one that is small enough already stays as it is."""
    with Image.open(io.BytesIO(photo)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    if mix.pixels is not None:
        scale = (mix.pixels / (width * height)) ** 0.5
    else:
        scale = min(1.0, (mix.side or max(width, height)) / max(width, height))
        if scale == 1.0:
            return photo
    image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    if scale > 1.0:
        image = _grained(image, seed)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _grained(image: Image.Image, seed: int) -> Image.Image:
    """Add grain to the brightness, the same to all three colours."""
    pixels = np.asarray(image, dtype=np.float32)
    grain = np.random.default_rng(seed).standard_normal(pixels.shape[:2], dtype=np.float32) * GRAIN
    return Image.fromarray(np.clip(pixels + grain[..., None], 0, 255).astype(np.uint8))
