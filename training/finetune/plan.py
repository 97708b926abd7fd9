"""Everything that a run is told beside its photos and its backbone."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.finetune.augment import Augmentation

SEED = 20261121


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train.

    `learning_rate` is the highest, reached after the share `warm_up` of all steps; `clip` is the largest norm
    of a gradient. Every `thaw_every` epochs one more stage thaws, `depth` of them in all (None: every one).
    `gamma` > 0 makes the loss focal. Training stops when `patience` epochs have brought nothing better.
    """

    epochs: int = 12
    batch: int = 16
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warm_up: float = 0.1
    clip: float = 1.0
    thaw_every: int = 1
    depth: int | None = None
    gamma: float = 0.0
    patience: int = 3
    seed: int = SEED
    augmentation: Augmentation = field(default_factory=Augmentation)
