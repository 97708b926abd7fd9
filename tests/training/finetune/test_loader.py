"""Batches: the same whatever prepares them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.finetune import tiny
from training.finetune.augment import Augmentation
from training.finetune.loader import Order, Photos, batches
from training.finetune.selection import Selection
from worker.errors import Refuse
from worker.prepare.decode import Target

pytestmark = pytest.mark.training


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    """Photos of every continent."""
    return tiny.selected(tmp_path)


def photos(selection: Selection, augmentation: Augmentation | None) -> Photos:
    """The training photos, so augmented."""
    return Photos(photos=selection.train, size=tiny.SIDE, augmentation=augmentation, seed=4)


def test_two_processes_give_the_batches_of_none(selection: Selection) -> None:
    """Pixel for pixel, in the same order, over two epochs that differ."""
    seen: dict[int, list[torch.Tensor]] = {}
    for workers in (0, 2):
        found = batches(photos(selection, Augmentation()), batch=4, shuffled=True, workers=workers)
        seen[workers] = []
        for epoch in (1, 2):
            found.order.epoch = epoch
            seen[workers] += [part for batch in found.loader for part in batch]
    assert all(torch.equal(one, other) for one, other in zip(seen[0], seen[2], strict=True))
    half = len(seen[0]) // 2
    assert not torch.equal(seen[0][0], seen[0][half])


def test_without_augmentation_it_is_what_the_worker_sees(selection: Selection) -> None:
    """The same pixels as its own decoding, in the order of the photos, with their labels."""
    found = batches(photos(selection, None), batch=3, shuffled=False, workers=0)
    pixels, label = (torch.cat(parts) for parts in zip(*found.loader, strict=True))
    expected = np.stack([photo.pixels(Target(tiny.SIDE, 0.875)) for photo in selection.train])
    assert np.array_equal(pixels.numpy(), expected)
    assert label.tolist() == [photo.label for photo in selection.train]


def test_an_epoch_shows_every_photo_once() -> None:
    """In an order of its own; only a batch that is not full is left out, and only if there are others."""
    order = Order(11, 4, seed=0)
    shown = {}
    for epoch in (1, 2):
        order.epoch = epoch
        keys = [key for batch in order for key in batch]
        assert {number for number, _ in keys} == {epoch}
        shown[epoch] = [row for _, row in keys]
        assert len(set(shown[epoch])) == len(shown[epoch]) == 8
    assert shown[1] != shown[2]
    assert [len(batch) for batch in Order(3, 4, seed=0)] == [3]
    assert [len(batch) for batch in Order(11, 4, seed=None)] == [4, 4, 3]
    assert len(Order(11, 4, seed=0)) == 2


def test_a_photo_that_vanished_is_refused(selection: Selection, tmp_path: Path) -> None:
    """In a sentence that names no file."""
    gone = replace(selection.train[0], path=tmp_path / "gone.jpg")
    alone = Photos(photos=[gone], size=tiny.SIDE, augmentation=None, seed=0)
    with pytest.raises(Refuse, match="cannot be read any more") as refusal:
        alone[0, 0]
    assert "gone" not in str(refusal.value)
