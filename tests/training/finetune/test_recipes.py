"""The recipes are what their libraries say they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import models

from tests.training.finetune import tiny
from tests.training.test_export import pixels
from training.backbones import BACKBONES
from training.finetune.model import around, bare, begin_with, build
from training.finetune.recipes import RECIPES
from training.heads import Heads
from worker.errors import Refuse

pytestmark = pytest.mark.training

THEIRS = {
    "b3": "EfficientNet_B3_Weights.IMAGENET1K_V1",
    "b4": "EfficientNet_B4_Weights.IMAGENET1K_V1",
    "resnet50": "ResNet50_Weights.IMAGENET1K_V2",
    "vit_b_16": "ViT_B_16_Weights.IMAGENET1K_V1",
}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_stages_hold_every_parameter_once(name: str) -> None:
    """None is forgotten, none thaws twice, and none of the stages is empty."""
    recipe = RECIPES[name]
    with torch.device("meta"):
        network = bare(recipe)
    homes = {
        each: [stage.name for stage in recipe.stages if each.startswith(stage.prefixes)]
        for each, _ in network.named_parameters()
    }
    assert {each: home for each, home in homes.items() if len(home) != 1} == {}
    assert {home[0] for home in homes.values()} == {stage.name for stage in recipe.stages}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_photos_become_embeddings_of_the_width_that_is_said(name: str) -> None:
    """And seven logits; computed in shapes alone."""
    recipe = RECIPES[name]
    with torch.device("meta"):
        model = around(recipe, bare(recipe))
        photos = torch.zeros((2, recipe.size, recipe.size, 3), dtype=torch.uint8)
        assert model.embedder(photos).shape == (2, recipe.width)
        assert model(photos).shape == (2, 7)


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_preprocessing_is_torchvisions(name: str) -> None:
    """Size and normalisation of the published weights; how much is cut off is the worker's, for all alike."""
    recipe, weights = RECIPES[name], models.get_weight(THEIRS[name])
    theirs = weights.transforms()
    assert theirs.crop_size == [recipe.size]
    assert [value * 255 for value in theirs.mean] == pytest.approx(recipe.mean)
    assert [value * 255 for value in theirs.std] == pytest.approx(recipe.std)


def test_the_default_backbone_is_the_one_that_ships() -> None:
    """The same embedding of photos, bit for bit, as the one that is exported unchanged."""
    photos = torch.from_numpy(pixels(["oceania-kilauea.jpg", "europe-bern.jpg"], 260))
    with torch.inference_mode():
        mine = build(RECIPES["lite2"], None).embedder(photos)
        assert torch.equal(mine, BACKBONES["lite2"].load(None)(photos))


def test_a_backbone_without_weights_is_refused() -> None:
    """No package brings them, and none are fetched: the mend is said."""
    for name in sorted(set(RECIPES) - {"lite2"}):
        with pytest.raises(Refuse, match="give a state dict with --weights PATH"):
            build(RECIPES[name], None)


def test_the_head_begins_as_the_mean_of_the_frozen_heads() -> None:
    """Logits of the new model are the mean of the heads' logits on its own embeddings."""
    rng = np.random.default_rng(0)
    heads = Heads(weight=rng.normal(size=(5, 7, tiny.WIDTH)), bias=rng.normal(size=(5, 7)))
    model = around(tiny.RECIPE, bare(tiny.RECIPE))
    photos = torch.from_numpy(pixels(["europe-bern.jpg"], tiny.SIDE))
    with torch.inference_mode():
        assert torch.equal(model(photos), torch.zeros(1, 7))
        begin_with(model, heads)
        found, x = model(photos).numpy(), model.embedder(photos).numpy().astype(np.float64)
    assert found == pytest.approx(heads.logits(x).mean(axis=1), rel=1e-4, abs=1e-4)
