"""The photo mixes: what they are made of, and that they are made the same each time."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from bench import mixes
from worker.errors import Refuse


def size(photo: bytes) -> tuple[int, int]:
    """Width and height of a JPEG."""
    with Image.open(io.BytesIO(photo)) as image:
        assert image.format == "JPEG"
        return image.size


def test_the_small_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All examples with a longer side of 512; those that have it stay byte for byte; made only once."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    place = mixes.folder("512px")
    photos = mixes.photos(place)
    examples = [path.read_bytes() for path in sorted(mixes.EXAMPLES.glob("*.jpg"))]
    assert len(photos) == len(examples)
    assert {max(size(photo)) for photo in photos} <= set(range(384, 513))
    kept = [photo for photo, example in zip(photos, examples, strict=True) if max(size(example)) <= 512]
    assert set(kept) <= set(examples)
    made = place.stat().st_mtime_ns
    assert mixes.folder("512px") == place
    assert place.stat().st_mtime_ns == made


@pytest.mark.parametrize(("name", "pixels"), [("2mp", 2_000_000)])
def test_an_enlarged_photo(name: str, pixels: int) -> None:
    """It has the pixels that its mix is named for, the same each time, and grain that costs bytes."""
    example = next(iter(sorted(mixes.EXAMPLES.glob("*.jpg")))).read_bytes()
    mix = mixes.MIXES[name]
    photo = mixes.made(example, mix, seed=1)
    width, height = size(photo)
    assert width * height == pytest.approx(pixels, rel=0.01)
    assert photo == mixes.made(example, mix, seed=1)
    assert photo != mixes.made(example, mix, seed=2)
    assert len(photo) > pixels / 8


def test_an_unknown_mix() -> None:
    """Refused as bad usage, with those that there are."""
    with pytest.raises(Refuse, match="512px, 2mp, 12mp") as refused:
        mixes.folder("8k")
    assert refused.value.exit_code == 2
