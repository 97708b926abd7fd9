"""AdamW (Loshchilov and Hutter, 2019) under a linear warm-up and half a cosine (the same, 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import torch
from torch.optim.lr_scheduler import LambdaLR

from training.finetune.model import Classifier
from training.finetune.plan import Plan

_OF_A_WEIGHT: Final = 2
"""Biases and what norms scale and shift by have one dimension; weights have two or more."""


def factor(step: int, *, warm_up: int, total: int) -> float:
    """The share of the highest learning rate at a step: up to 1 in `warm_up` steps, down to 0 at `total`.

    It is torch's LinearLR (from 1/(warm_up + 1)) followed by its CosineAnnealingLR, in closed form, so that a
    run goes on from any step.

    >>> [round(factor(step, warm_up=2, total=6), 3) for step in range(7)]
    [0.333, 0.667, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    return (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, total - warm_up)))) / 2


def decayed(model: Classifier, undecayed: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """The parameters that weight decay pulls at, and the others: norms, biases, and those named."""
    kept = {f"embedder.network.{name}" for name in undecayed}
    pulled: list[Any] = []
    left: list[Any] = []
    for name, parameter in model.named_parameters():
        weight = parameter.ndim >= _OF_A_WEIGHT and name not in kept
        (pulled if weight else left).append(parameter)
    return pulled, left


def optimiser(model: Classifier, plan: Plan, undecayed: Sequence[str]) -> torch.optim.AdamW:
    """All parameters, the frozen ones too: without a gradient none of them moves."""
    pulled, left = decayed(model, undecayed)
    groups = [{"params": pulled, "weight_decay": plan.weight_decay}, {"params": left, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.learning_rate)


def schedule(of: torch.optim.AdamW, plan: Plan, steps_per_epoch: int) -> LambdaLR:
    """The learning rate by step, over all epochs that were asked for."""
    total = plan.epochs * steps_per_epoch
    return LambdaLR(of, partial(factor, warm_up=round(plan.warm_up * total), total=total))
