"""The loop: what an epoch changes, what it does not, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.finetune import tiny
from training.finetune.augment import Augmentation
from training.finetune.compare import probe
from training.finetune.fit import Step, epochs, outputs
from training.finetune.loader import Key, Photos
from training.finetune.model import Classifier, begin_with, build
from training.finetune.selection import Selection
from worker.errors import Refuse
from worker.record import Pixels

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Photos of every continent."""
    return tiny.selected(tmp_path_factory.mktemp("photos"), each=6)


@pytest.fixture
def model(tmp_path: Path) -> Classifier:
    """The tiny backbone with weights."""
    return build(tiny.RECIPE, tiny.weights(tmp_path / "tiny.pt"))


def copied(model: nn.Module) -> dict[str, torch.Tensor]:
    """All that it holds, as it is now."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def silent(_what: str, _done: int, _total: int) -> None:
    """Shows nothing."""


def test_it_begins_as_the_frozen_heads(model: Classifier, selection: Selection) -> None:
    """Epoch 0 trains nothing, and says what the mean of the heads says on the frozen backbone."""
    work = tiny.work(selection)
    heads = probe(outputs(model.embedder, work.train, work), work.train)
    begin_with(model, heads)
    before = copied(model)
    first = next(epochs(model, work, began=None, meter=silent))
    assert (first.epoch.number, first.epoch.loss, first.epoch.thawed) == (0, None, ())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    expected = heads.logits(outputs(model.embedder, work.validation, work)).mean(axis=1)
    right = expected.argmax(axis=1) == [photo.label for photo in work.validation]
    assert first.epoch.accuracy == pytest.approx(right.mean())
    assert outputs(model, work.validation, work) == pytest.approx(expected, abs=1e-3)


def test_stages_are_trained_from_when_they_thaw(model: Classifier, selection: Selection) -> None:
    """In epoch 1 the upper stage and the head change, the lower one, statistics and all, in epoch 2."""
    steps = epochs(model, tiny.work(selection), began=None, meter=silent)
    seen = [copied(model)]
    for epoch in (0, 1, 2):
        assert next(steps).epoch.number == epoch
        seen.append(copied(model))
    changed = [
        {name.split(".")[-3] for name in old if name.count(".") > 2 and not torch.equal(old[name], new[name])}
        for old, new in pairwise(seen)
    ]
    assert changed == [set(), {"high"}, {"high", "low"}]


def test_every_epoch_sees_photos_of_its_own(
    model: Classifier, selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What befalls them is drawn for the epoch; those that decide when to stop are always alike."""
    asked: set[tuple[bool, int]] = set()
    whole = Photos.__getitem__

    def spy(self: Photos, key: Key) -> tuple[Pixels, int]:
        asked.add((self.augmentation is None, key[0]))
        return whole(self, key)

    monkeypatch.setattr(Photos, "__getitem__", spy)
    list(epochs(model, tiny.work(selection), began=None, meter=silent))
    assert asked == {(True, 0), (False, 1), (False, 2)}


def test_it_learns_what_it_is_shown(model: Classifier, tmp_path: Path) -> None:
    """A dozen pictures by heart: the loss falls to a third, and they are recognised."""
    plan = replace(
        tiny.PLAN,
        epochs=30,
        batch=7,
        learning_rate=0.02,
        patience=100,
        augmentation=Augmentation(corrupted=0.0, least_area=0.999),
    )
    work = tiny.work(tiny.selected(tmp_path, each=4), plan)
    history = [step.epoch for step in epochs(model, work, began=None, meter=silent)]
    losses = [epoch.loss for epoch in history if epoch.loss is not None]
    assert losses[-1] < losses[0] / 3
    said = outputs(model, work.train, work).argmax(axis=1)
    assert np.mean(said == [photo.label for photo in work.train]) > 0.8


def test_it_stops_when_nothing_gets_better(model: Classifier, selection: Selection) -> None:
    """A learning rate of nothing: patience 2 after the last stage has thawed in epoch 1 is epoch 3."""
    plan = replace(tiny.PLAN, epochs=30, learning_rate=1e-12, patience=2)
    frozen = replace(tiny.RECIPE, stages=tiny.RECIPE.stages[:1])
    work = replace(tiny.work(selection, plan), recipe=frozen)
    model.embedder.network.apply(_without_statistics)
    steps: list[Step] = list(epochs(model, work, began=None, meter=silent))
    assert steps[-1].epoch.number == 3
    assert [step.kept for step in steps] == [True, False, False, False]


def _without_statistics(module: nn.Module) -> None:
    if isinstance(module, nn.BatchNorm2d):
        module.momentum = 0.0


def test_a_loss_that_is_no_number_ends_it(model: Classifier, selection: Selection) -> None:
    """In one sentence with the mend."""
    absurd = tiny.work(selection, replace(tiny.PLAN, learning_rate=1e30))
    with pytest.raises(Refuse, match="lower --learning-rate"):
        list(epochs(model, absurd, began=None, meter=silent))
