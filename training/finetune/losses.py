"""What is minimised: class-weighted cross-entropy, focal if asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch.nn import functional

_LEAST: Final = 1e-7
"""The least 1 − p that is raised to a power: below, a power under 1 has no gradient that is a number."""


def class_weights(counts: Sequence[int]) -> torch.Tensor:
    """Weights, float32 (labels,), by which every label that occurs counts the same: n / (labels · n_c).

    A label without a photo weighs 0.

    >>> class_weights([3, 1, 0]).tolist()
    [0.6666666865348816, 2.0, 0.0]
    """
    photos = torch.tensor(list(counts), dtype=torch.float64)
    occurring = photos > 0
    even = photos.sum() / (occurring.sum() * photos.clamp(min=1))
    return torch.where(occurring, even, 0.0).to(torch.float32)


def loss(
    logits: torch.Tensor, label: torch.Tensor, weight: torch.Tensor, *, gamma: float = 0.0
) -> torch.Tensor:
    """The mean of −w·(1 − p)^γ·ln p of the true labels, divided by the mean of w.

    γ = 0 is torch's own weighted cross-entropy; with γ > 0 photos that are right already count less (Lin et
    al., 2017, here over a softmax).

    Args:
        logits: float32 (batch, labels).
        label: int64 (batch,).
        weight: of each label, float32 (labels,).
        gamma: at least 0.
    """
    own = weight[label]
    surprise = functional.cross_entropy(logits, label, reduction="none")
    if gamma:
        own_focus = (-torch.expm1(-surprise)).clamp(min=_LEAST) ** gamma
        return (own * own_focus * surprise).sum() / own.sum()
    return (own * surprise).sum() / own.sum()
