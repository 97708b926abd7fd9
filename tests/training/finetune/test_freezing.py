"""A frozen stage learns nothing: no gradient, no statistics, nothing dropped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.training.finetune import tiny
from training.finetune.freezing import freeze_all_but
from training.finetune.model import around, bare
from training.finetune.recipes import RECIPES

pytestmark = pytest.mark.training


@pytest.mark.parametrize("thawed", [0, 1, 2])
def test_only_thawed_stages_learn(thawed: int) -> None:
    """Gradients and the statistics of batch norms change in them and nowhere else; the head always learns."""
    torch.manual_seed(0)
    model = around(tiny.RECIPE, bare(tiny.RECIPE))
    nn.init.normal_(model.head.weight)
    stages = tiny.RECIPE.stages[:thawed]
    before = {name: value.clone() for name, value in model.named_buffers()}
    freeze_all_but(model, stages)
    photos = torch.randint(0, 256, (4, tiny.SIDE, tiny.SIDE, 3), dtype=torch.uint8)
    model(photos)[:, 0].sum().backward()
    warm = tuple(f"embedder.network.{stage.prefixes[0]}" for stage in stages)
    for name, parameter in model.named_parameters():
        expected = name.startswith(("head.", *warm))
        assert (parameter.grad is not None) == expected, name
    changed = {name for name, value in model.named_buffers() if not torch.equal(value, before[name])}
    assert {name.rpartition(".")[0] for name in changed} == {f"{prefix}1" for prefix in warm}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_batch_norm_follows_its_stage(name: str) -> None:
    """Of every backbone: with the top thawed its norms use the batch, and no other does; then all of them."""
    recipe = RECIPES[name]
    with torch.device("meta"):
        model = around(recipe, bare(recipe))
    network = model.embedder.network
    norms = {each: module for each, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for stages in ((), recipe.stages[:1], recipe.stages):
        prefixes = tuple(prefix for stage in stages for prefix in stage.prefixes)
        freeze_all_but(model, stages)
        for each, module in norms.items():
            assert module.training == f"{each}.".startswith(prefixes), each
        trained = {each for each, parameter in network.named_parameters() if parameter.requires_grad}
        assert trained == {each for each, _ in network.named_parameters() if each.startswith(prefixes)}
    assert trained == {each for each, _ in network.named_parameters()}
