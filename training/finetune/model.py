"""A backbone with a linear head on it: what is trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from training.backbones import Embedder
from training.finetune import weights
from training.finetune.recipes import Recipe
from training.heads import Heads
from worker.errors import Refuse
from worker.record import SLUGS


class Classifier(nn.Module):  # type: ignore[misc,unused-ignore] # torch is no part of every environment
    """Photos uint8 (batch, size, size, 3) → logits (batch, 7), in the order of `worker.record.SLUGS`.

    `embedder` is what is exported; `head` is what it is trained with.
    """

    def __init__(self, embedder: Embedder, width: int) -> None:
        super().__init__()
        self.embedder = embedder
        self.head = nn.Linear(width, len(SLUGS))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the logits, float32."""
        return self.head(self.embedder(image))


def build(recipe: Recipe, path: Path | None) -> Classifier:
    """Make a backbone with its weights and a head of zeros.

    Args:
        recipe: which.
        path: its weights, a state dict; None: those that a package brings.

    Raises:
        Refuse: no package brings any, or the file does not hold this backbone's.
    """
    chosen = path or (recipe.bundled() if recipe.bundled else None)
    if chosen is None:
        raise Refuse(
            f"no package brings weights of {recipe.architecture}: give a state dict with --weights PATH.",
            exit_code=2,
        )
    network = bare(recipe)
    weights.load(network, chosen, without=recipe.classifier)
    return around(recipe, network)


def bare(recipe: Recipe) -> nn.Module:
    """The network with random weights, its classifier cut off."""
    network: nn.Module = recipe.network()
    setattr(network, recipe.classifier, nn.Identity())
    return network


def around(recipe: Recipe, network: nn.Module) -> Classifier:
    """The classifier around a network whose own was cut off; its head says nothing yet."""
    model = Classifier(Embedder(recipe.features(network), network, recipe.mean, recipe.std), recipe.width)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    model.eval()
    return model


def begin_with(model: Classifier, heads: Heads) -> None:
    """Let the head begin as heads that were fitted on the frozen backbone, of which it is the mean.

    A head of random weights would bend the features before it has learned to read them, which costs most on
    photos of other kinds (Kumar et al., 2022: linear probing, then fine-tuning). So the first score is that
    of the frozen backbone, and a run keeps it unless something is better.
    """
    with torch.no_grad():
        model.head.weight.copy_(torch.from_numpy(heads.weight.mean(axis=0)))
        model.head.bias.copy_(torch.from_numpy(heads.bias.mean(axis=0)))
