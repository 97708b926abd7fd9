"""The learning rate's way, and what weight decay pulls at."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from tests.training.finetune import tiny
from training.finetune.freezing import freeze_all_but
from training.finetune.model import around, bare
from training.finetune.optimiser import decayed, factor, optimiser, schedule
from training.finetune.plan import Plan
from training.finetune.recipes import RECIPES

pytestmark = pytest.mark.training


@pytest.mark.parametrize(("warm_up", "total"), [(4, 20), (1, 9), (7, 8)])
def test_the_schedule_is_torchs_own_two_in_a_row(warm_up: int, total: int) -> None:
    """LinearLR and then CosineAnnealingLR, step by step, to the end."""
    plan = Plan(epochs=1, warm_up=warm_up / total, learning_rate=0.3)
    mine = optimiser(around(tiny.RECIPE, bare(tiny.RECIPE)), plan, ())
    theirs = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.3)
    ours = schedule(mine, plan, total)
    rise = LinearLR(theirs, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    fall = CosineAnnealingLR(theirs, T_max=total - warm_up)
    expected = SequentialLR(theirs, [rise, fall], milestones=[warm_up])
    for _ in range(total):
        assert ours.get_last_lr()[0] == pytest.approx(expected.get_last_lr()[0], rel=1e-6)
        for each in (mine, ours, theirs, expected):
            each.step()


def test_it_rises_to_the_highest_and_falls_to_nothing() -> None:
    """Never above 1, never below 0, no jump; beyond the end it stays at 0."""
    factors = [factor(step, warm_up=10, total=100) for step in range(120)]
    assert max(factors) == factors[10] == 1.0
    assert factors[100:] == [0.0] * 20
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_norms_biases_and_tokens_do_not_decay(name: str) -> None:
    """Every parameter is in one of both lists; the pulled ones are weights of convolutions and layers."""
    recipe = RECIPES[name]
    with torch.device("meta"):
        model = around(recipe, bare(recipe))
    pulled, left = decayed(model, recipe.undecayed)
    assert len(pulled) + len(left) == len(list(model.parameters()))
    kinds = (nn.Conv2d, nn.Linear, nn.MultiheadAttention)
    weights = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, kinds)
        for own, parameter in module.named_parameters(recurse=False)
        if own in {"weight", "in_proj_weight"}
    }
    assert {id(parameter) for parameter in pulled} == weights


def test_what_is_frozen_does_not_move() -> None:
    """Not by a gradient, not by weight decay, not by momentum."""
    model = around(tiny.RECIPE, bare(tiny.RECIPE))
    steps = optimiser(model, Plan(learning_rate=0.1, weight_decay=0.5), ())
    freeze_all_but(model, tiny.RECIPE.stages[:1])
    before = {name: value.clone() for name, value in model.named_parameters()}
    for _ in range(3):
        logits = model(torch.randint(0, 256, (4, tiny.SIDE, tiny.SIDE, 3), dtype=torch.uint8))
        steps.zero_grad()
        (logits + model.head.weight.sum()).square().sum().backward()
        steps.step()
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved
    assert not any(".low." in name for name in moved)
