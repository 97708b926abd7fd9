"""Gradual unfreezing (Howard and Ruder, 2018): which epoch thaws which stage, from the top down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.finetune.recipes import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw:
    """A stage and the epoch, from 1, in which it is trained first."""

    epoch: int
    stage: Stage


def thaws(stages: Sequence[Stage], *, every: int, depth: int | None = None) -> tuple[Thaw, ...]:
    """One more stage every so many epochs, the top one in epoch 1; only the `depth` topmost ever thaw.

    >>> two = (Stage(name="top", prefixes=()), Stage(name="bottom", prefixes=()))
    >>> [(thaw.epoch, thaw.stage.name) for thaw in thaws(two, every=3)]
    [(1, 'top'), (4, 'bottom')]
    """
    return tuple(Thaw(epoch=1 + every * place, stage=stage) for place, stage in enumerate(stages[:depth]))


def thawed(plan: Sequence[Thaw], epoch: int) -> tuple[Stage, ...]:
    """The stages that are trained in an epoch."""
    return tuple(thaw.stage for thaw in plan if thaw.epoch <= epoch)
