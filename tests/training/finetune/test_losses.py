"""The losses agree with torch's, torchvision's and scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from training.finetune.losses import class_weights, loss

pytestmark = pytest.mark.training


def drawn(seed: int, labels: int = 7) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, labels and weights by chance."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(32, labels, generator=generator) * 3
    label = torch.randint(labels, (32,), generator=generator)
    return logits, label, torch.rand(labels, generator=generator) + 0.1


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_without_focus_it_is_torchs_weighted_cross_entropy(seed: int) -> None:
    """Value and gradient, to the rounding of float32."""
    logits, label, weight = drawn(seed)
    mine, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    ours = loss(mine, label, weight)
    expected = functional.cross_entropy(theirs, label, weight)
    ours.backward()
    expected.backward()
    assert torch.allclose(ours, expected, atol=1e-6)
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_of_two_labels_it_is_torchvisions_focal_loss(gamma: float) -> None:
    """The softmax of (0, x) is the sigmoid of x."""
    x, _, _ = drawn(1, 1)
    label = torch.arange(32) % 2
    both = torch.cat([torch.zeros_like(x), x], dim=1)
    expected = sigmoid_focal_loss(x[:, 0], label.float(), alpha=-1, gamma=gamma, reduction="mean")
    assert torch.allclose(loss(both, label, torch.ones(2), gamma=gamma), expected, rtol=1e-4, atol=1e-6)


def test_focus_counts_less_what_is_right_already() -> None:
    """By exactly (1 − p)^γ: at p = .9 a hundredth for γ = 2, at p = .1 hardly less (Lin et al., 2017)."""
    for p, factor in ((0.9, 0.01), (0.5, 0.25), (0.1, 0.81)):
        logits = torch.tensor([[np.log(p), np.log(1 - p)]], dtype=torch.float32)
        plain, focal = (loss(logits, torch.tensor([0]), torch.ones(2), gamma=gamma) for gamma in (0.0, 2.0))
        assert float(focal / plain) == pytest.approx(factor, rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_photo_that_is_certain_has_a_gradient(gamma: float) -> None:
    """Certainly right or certainly wrong, the gradient is a number."""
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    loss(logits, torch.tensor([0, 0]), torch.ones(2), gamma=gamma).backward()
    assert bool(torch.isfinite(logits.grad).all())


@given(st.lists(st.integers(1, 500), min_size=2, max_size=7))
def test_weights_are_scikit_learns_balanced_ones(counts: list[int]) -> None:
    """To the rounding of float32; their mean over the photos is 1."""
    label = np.repeat(np.arange(len(counts)), counts)
    found = class_weights(counts).numpy()
    assert found == pytest.approx(compute_class_weight("balanced", classes=np.arange(len(counts)), y=label))
    assert found[label].mean() == pytest.approx(1.0, rel=1e-5)


def test_a_label_without_photos_weighs_nothing() -> None:
    """The others are weighed as if it were not there."""
    assert class_weights([4, 0, 12]).tolist() == pytest.approx([2.0, 0.0, 2 / 3])
