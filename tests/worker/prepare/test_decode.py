"""What becomes of every good, odd and hostile file, and that the good ones become what they should."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFile

from tests import crafted, hostile
from tests.crafted import encoded, scene
from tests.hostile import Hostile
from worker.errors import Reject
from worker.prepare import container
from worker.prepare.decode import MOST_PIXELS, DecodeLimits, Target, decode
from worker.record import Pixels

LIMITS = DecodeLimits(pixels=50_000_000, side=20_000)
TARGET = Target(size=260, crop=0.875)
DECODER = [item for item in hostile.corpus() if item.reason != "too_large"]


def pixels(data: bytes, target: Target = TARGET) -> Pixels:
    """Decode and give the pixels."""
    return decode(data, LIMITS, target).pixels


def difference(one: Pixels, other: Pixels) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def laid_out(image: Image.Image, target: Target) -> npt.NDArray[np.uint8]:
    """The recipe in plain words: resize the whole image, then cut out the middle."""
    scale = target.resized / min(image.size)
    resized = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
    )
    left, top = (resized.width - target.size) // 2, (resized.height - target.size) // 2
    return np.asarray(resized.crop((left, top, left + target.size, top + target.size)))


@pytest.mark.parametrize("item", DECODER, ids=lambda item: item.name)
def test_every_bad_photo_has_its_reason_and_every_odd_one_is_decoded(item: Hostile) -> None:
    """The whole corpus: the right reason, or pixels of the right shape; never anything else."""
    if item.reason is None:
        decoded = decode(item.data, LIMITS, TARGET)
        assert decoded.pixels.shape == (260, 260, 3)
        assert decoded.pixels.dtype == np.uint8
        assert 0 <= decoded.signals.brightness <= 1
        assert 0 <= decoded.signals.sharpness < 1
    else:
        with pytest.raises(Reject) as caught:
            decode(item.data, LIMITS, TARGET)
        assert caught.value.reason == item.reason
        assert caught.value.detail.endswith(".")


# How far each mode may lie from the scene in RGB: what its own coding loses, no more.
LOSSES = {
    "jpeg_progressive": 6.0,
    "jpeg_cmyk": 3.0,
    "jpeg_rgb": 3.0,
    "jpeg_profile": 6.0,
    "png_rgb_16": 0.6,
    "png_palette": 12.0,
    "png_colour_key": 0.6,
    "png_animated": 0.6,
    "webp_lossy": 6.0,
    "webp_lossless": 0.6,
    "webp_animated": 6.0,
    "gif": 12.0,
    "gif_animated": 12.0,
    "bmp": 0.6,
    "bmp_palette": 12.0,
    "tiff_lzw": 0.6,
    "tiff_jpeg": 6.0,
    "tiff_cmyk": 0.6,
    "tiff_lab": 2.0,
    "tiff_ycbcr": 2.0,
    "tiff_pages": 0.6,
    **{f"orientation_{number}": 2.0 for number in range(1, 9)},
    "orientation_6_png": 0.6,
    "orientation_6_webp": 0.6,
    "orientation_6_tiff": 0.6,
    "exif_twice": 6.0,
    "png_text_bomb": 8.0,
}


@pytest.mark.parametrize("name", LOSSES)
def test_colours_frames_and_orientation_come_out_right(name: str) -> None:
    """Each way of storing the scene decodes to the scene: no swapped channels, right frame, right way up."""
    reference = pixels(encoded(scene(), "PNG"))
    assert difference(pixels(hostile.by_name(name).data), reference) < LOSSES[name]


@pytest.mark.parametrize(
    "name", ["jpeg_grey", "png_grey_16", "tiff_grey_16", "tiff_float", "tiff_integer_32"]
)
def test_grey_of_any_depth_comes_out_alike(name: str) -> None:
    """8 bits, 16 bits, 0–1 floats and integers of unknown white all give nearly the same grey."""
    reference = pixels(encoded(scene().convert("L"), "PNG"))
    # Integers are stretched from darkest to brightest, for want of a white point.
    assert difference(pixels(hostile.by_name(name).data), reference) < (20.0 if "integer" in name else 1.0)


@pytest.mark.parametrize("name", ["png_alpha", "webp_alpha", "tiff_alpha"])
def test_transparency_is_laid_on_white(name: str) -> None:
    """A half transparent photo looks as on a white page."""
    transparent = scene()
    transparent.putalpha(scene().convert("L"))
    page = Image.new("RGBA", transparent.size, (255, 255, 255, 255))
    page.alpha_composite(transparent)
    assert difference(pixels(hostile.by_name(name).data), pixels(encoded(page.convert("RGB"), "PNG"))) < 1.0


@pytest.mark.parametrize("name", ["png_palette_transparent"])
def test_transparent_palettes_are_laid_on_white(name: str) -> None:
    """Each palette entry has a transparency of its own, and all of them count."""
    data = hostile.by_name(name).data
    with Image.open(io.BytesIO(data)) as image:
        colours = image.convert("RGBA")
    page = Image.new("RGBA", colours.size, (255, 255, 255, 255))
    page.alpha_composite(colours)
    assert difference(pixels(data), pixels(encoded(page.convert("RGB"), "BMP"))) < 1.0


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_one_transparent_colour_is_laid_on_white(kind: str) -> None:
    """A palette index, or a colour key, that stands for nothing shows as white."""
    image = Image.new("P", (300, 300), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.paste(0, (0, 0, 150, 300))
    seen = pixels(encoded(image, kind, transparency=1))
    assert (seen[:, 5] == 0).all()
    assert (seen[:, -5] == 255).all()


def test_hidden_colours_do_not_bleed() -> None:
    """The colour of fully transparent pixels never shows, even where shrinking mixes them with others."""
    image = Image.new("RGBA", (600, 600), (255, 0, 0, 0))
    image.paste((255, 255, 255, 255), (0, 0, 299, 600))
    for kind in ("PNG", "TIFF"):
        assert (pixels(encoded(image, kind)) == 255).all()


@pytest.mark.parametrize("size", [(1_184, 592), (592, 1_184), (592, 592), (2_960, 1_480)])
def test_it_is_the_same_as_resizing_and_then_cropping(size: tuple[int, int]) -> None:
    """Where both land on the same grid, resampling only the crop equals resizing everything, to a level."""
    target = Target(size=256, crop=256 / 296)
    image = scene(*size)
    worst = np.abs(pixels(encoded(image, "BMP"), target).astype(int) - laid_out(image, target)).max()
    # Above three times the target, Pillow first averages whole pixels, which costs a few levels at edges.
    assert worst <= (1 if min(size) < 3 * 296 else 12)


def test_a_large_jpeg_decoded_small_looks_like_one_decoded_whole() -> None:
    """Decoding at a fraction in the DCT domain keeps the picture: over 35 dB against the full decode."""
    image = scene(2_400, 1_600)
    whole = encoded(image, "JPEG", quality=92)
    with Image.open(io.BytesIO(whole)) as opened:
        reference = pixels(encoded(opened, "BMP"))
    error = np.square(pixels(whole).astype(float) - reference).mean()
    assert 10 * np.log10(255**2 / error) > 35


@pytest.mark.parametrize("shorter", [296, 297, 298, 540, 593, 594, 595, 1_100, 1_187, 1_188, 2_376])
def test_the_decoder_never_shrinks_below_what_is_needed(
    shorter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After draft the shorter side is still at least the size that is resized to, unless it never was."""
    sizes: list[tuple[int, int]] = []
    load = ImageFile.ImageFile.load

    def watched(image: ImageFile.ImageFile) -> object:
        sizes.append(image.size)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", watched)
    decode(encoded(Image.new("RGB", (shorter * 3 // 2, shorter)), "JPEG"), LIMITS, TARGET)
    assert min(sizes[-1]) >= min(297, shorter)
    assert min(sizes[-1]) < 2 * 297 + 2 or shorter < 2 * 297


def test_the_content_decides() -> None:
    """Bytes are told by what they are: there is no name or type to believe."""
    png = encoded(scene(), "PNG")
    assert difference(pixels(png), pixels(encoded(scene(), "BMP"))) == 0


def test_extreme_shapes_stay_small() -> None:
    """A strip of 19,999 × 10 is cut before it is enlarged: its middle is what comes out."""
    strip = Image.new("RGB", (19_999, 10), (255, 0, 0))
    strip.paste((0, 0, 255), (9_990, 0, 10_010, 10))
    assert (pixels(encoded(strip, "PNG")) == (0, 0, 255)).all()


def test_one_pixel_fills_the_square() -> None:
    """1 × 1 is enlarged to one flat colour, with nothing sharp in it."""
    decoded = decode(encoded(Image.new("RGB", (1, 1), (10, 200, 30)), "PNG"), LIMITS, TARGET)
    assert (decoded.pixels == (10, 200, 30)).all()
    assert decoded.signals.sharpness == 0


@pytest.mark.parametrize(
    ("size", "reason"), [((100, 50), None), ((101, 50), "too_many_pixels"), ((50, 101), "too_many_pixels")]
)
def test_the_limits_are_inclusive(size: tuple[int, int], reason: str | None) -> None:
    """A side, and a number of pixels, exactly at the limit are taken."""
    data = encoded(Image.new("RGB", size), "PNG")
    for limits in (DecodeLimits(pixels=5_000, side=1_000), DecodeLimits(pixels=10**9, side=100)):
        if reason is None:
            decode(data, limits, TARGET)
        else:
            with pytest.raises(Reject) as caught:
                decode(data, limits, TARGET)
            assert caught.value.reason == reason


def test_limits_above_pillows_own_do_not_wake_it() -> None:
    """However high the limits are set, Pillow's global limit neither warns nor raises, and is left alone."""
    before = Image.MAX_IMAGE_PIXELS
    data = crafted.png(9_500, 9_500, depth=1, colour=crafted.GREY)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(Reject) as caught:
            decode(data, DecodeLimits(pixels=10**12, side=10**6), TARGET)
    assert caught.value.reason == "too_many_pixels"
    assert str(MOST_PIXELS) in caught.value.detail
    assert not heard
    assert before == Image.MAX_IMAGE_PIXELS
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_nothing_in_the_corpus_warns_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    """At debug level and with every warning shown, Pillow has nothing to say about any file's metadata."""
    canary = hostile.canary_photo()
    caplog.set_level("DEBUG")
    caplog.clear()
    said: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for data in (canary.data, *(item.data for item in DECODER)):
            try:
                pixels(data)
            except Reject as reject:
                said.append(str(reject))
    assert not heard
    said += [record.getMessage() for record in caplog.records]
    assert len(said) > 50
    assert not [needle for needle in canary.needles if needle in "\n".join(said)]


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_personal_tags_never_reach_the_decoder(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Pillow writes every TIFF tag that it reads to its debug log; of ours it reads none but the layout."""
    exif = Image.Exif()
    exif[0x013B], exif[0x010E] = "Canaria Birdsworth", "aunt Ottilie"
    data = encoded(scene(64, 64), kind, exif=exif)
    assert b"Canaria" in data
    caplog.set_level("DEBUG")
    caplog.clear()
    pixels(data)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "Canaria" not in said
    assert "Ottilie" not in said


def test_only_the_first_page_is_left_of_a_tiff() -> None:
    """What the decoder sees of a TIFF of many pages has one, so no chain of pages can be followed."""
    with Image.open(io.BytesIO(container.strip(hostile.by_name("tiff_pages").data).data)) as image:
        assert getattr(image, "n_frames", None) == 1


def test_threads_do_not_disturb_each_other() -> None:
    """Eight threads decoding the same odd photos get what one gets."""
    data = [hostile.by_name(name).data for name in LOSSES]
    alone = [pixels(item) for item in data]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(pixels, data * 3))
    assert all(np.array_equal(one, other) for one, other in zip(alone * 3, together, strict=True))


MEASURE = """
import json, re, sys
from pathlib import Path
from tests import crafted
from worker.errors import Reject
from worker.prepare import container
from worker.prepare.decode import DecodeLimits, Target, decode
limits, target = DecodeLimits(50_000_000, 20_000), Target(260, 0.875)
def peak():
    # Not getrusage: its maximum is inherited from the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
decode(crafted.png(64, 64), limits, target)
data = sys.stdin.buffer.read()
before = peak()
try:
    decode(data, limits, target)
    reason = None
except Reject as reject:
    reason = reject.reason
print(json.dumps({"mib": peak() - before, "reason": reason}))
"""


@pytest.mark.parametrize(
    ("kind", "size", "reason", "most_mib"),
    [
        ("RGB PNG", (7_071, 7_071), None, 230),
        ("RGBA PNG", (7_071, 7_071), None, 430),
        ("RGB PNG", (20_000, 10), None, 10),
        ("RGB PNG", (7_072, 7_072), "too_many_pixels", 10),
        ("RGB WEBP", (5_000, 5_000), None, 430),
        ("RGB WEBP", (5_001, 5_001), "too_many_pixels", 10),
    ],
)
def test_memory_is_bounded(kind: str, size: tuple[int, int], reason: str | None, most_mib: int) -> None:
    """The largest image that is taken costs 8 bytes a pixel of the limit; a bomb costs nothing."""
    mode, _, form = kind.partition(" ")
    if form == "PNG":
        data = crafted.png(*size, colour=getattr(crafted, mode))
    else:
        data = encoded(Image.new(mode, size), form, lossless=True, method=0)
    done = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, input=data)
    measured = json.loads(done.stdout)
    assert measured["reason"] == reason
    assert measured["mib"] < most_mib, measured
    assert not done.stderr
