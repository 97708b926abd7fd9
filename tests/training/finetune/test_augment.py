"""What training photos go through, and what they never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.data.made import scene
from training.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from training.finetune.augment import HELD_OUT, TRAINED_ON, Augmentation, augmented, cut
from worker.record import Pixels

CANVAS = scene(3, height=96, width=96)


def test_some_corruptions_and_every_strongest_one_are_held_out() -> None:
    """All of the robustness table's are either trained on, not at full strength, or held out."""
    assert {*TRAINED_ON, *HELD_OUT} == set(CORRUPTIONS)
    assert not set(TRAINED_ON) & set(HELD_OUT)
    assert {"compression", "noise", "blur", "rain", "fog", "snow", "low_light", "glare", "occlusion"} <= set(
        TRAINED_ON
    )
    assert all(max(SEVERITIES) not in severities for severities in TRAINED_ON.values())


def test_what_befalls_photos_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 600 photos: half of them, every corruption and severity that is trained on, and no other."""
    seen: Counter[tuple[str, int]] = Counter()

    def spy(name: str) -> Callable[[Pixels, int, np.random.Generator], Pixels]:
        def corrupt(pixels: Pixels, severity: int, _: np.random.Generator) -> Pixels:
            seen[name, severity] += 1
            return pixels

        return corrupt

    for name in CORRUPTIONS:
        monkeypatch.setitem(CORRUPTIONS, name, spy(name))  # type: ignore[arg-type,unused-ignore]
    rng = np.random.default_rng(0)
    for _ in range(600):
        augmented(CANVAS[:16, :16], 8, Augmentation(corrupted=0.5), rng)
    assert set(seen) == {(name, severity) for name, levels in TRAINED_ON.items() for severity in levels}
    assert 250 < seen.total() < 350


def test_the_same_generator_gives_the_same_photo() -> None:
    """And another one another; the photo itself is left alone."""
    before = CANVAS.copy()
    one, again, other = (
        augmented(CANVAS, 48, Augmentation(corrupted=1.0), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert one.shape == (48, 48, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(CANVAS, before)


def test_without_corruption_a_photo_is_only_cut() -> None:
    """A share of 0 leaves the cut alone."""
    rng, same = np.random.default_rng(2), np.random.default_rng(2)
    same.random()
    assert np.array_equal(
        augmented(CANVAS, 48, Augmentation(corrupted=0.0, least_area=0.3), rng), cut(CANVAS, 48, 0.3, same)
    )


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.2, 1.0), st.integers(20, 90))
def test_a_cut_lies_within_the_photo_and_is_as_large_as_said(seed: int, least: float, side: int) -> None:
    """Seen on a photo whose pixels tell where they are: its spread is what the area and the sides allow."""
    across = np.broadcast_to(np.linspace(0, 255, side)[None, :], (side, side))
    down = across.T
    canvas = np.stack([across, down, down], axis=2).astype(np.uint8)
    found = cut(canvas, 64, least, np.random.default_rng(seed)).astype(np.float64)
    broad, tall = (float(np.ptp(found[..., channel])) / 255 for channel in (0, 1))
    room = 4 / side
    assert broad <= 1.0
    assert tall <= 1.0
    assert (broad + room) * (tall + room) >= least * 0.75
