"""Freezing for real: no gradients, and no statistics, of a stage that has not thawed."""

from __future__ import annotations

from collections.abc import Sequence

from training.finetune.model import Classifier
from training.finetune.recipes import Stage


def freeze_all_but(model: Classifier, stages: Sequence[Stage]) -> None:
    """Let gradients flow into the head and these stages of the backbone, and nowhere else.

    What is frozen is in evaluation mode: its batch norms neither use nor learn the statistics of a batch, and
    it drops nothing. The bottom that is frozen throughout costs no backward pass.
    """
    prefixes = tuple(prefix for stage in stages for prefix in stage.prefixes)
    network = model.embedder.network
    model.eval()
    model.head.train()
    for name, module in network.named_modules():
        if f"{name}.".startswith(prefixes):
            module.train()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(prefixes))
