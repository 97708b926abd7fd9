"""The world whose posterior is known."""

from __future__ import annotations

import numpy as np
import pytest

from training import metrics
from training.uncertainty import known


def test_the_posterior_is_the_truth() -> None:
    """Labels fall as it says: no calibration error beyond chance, and no other temperature is better."""
    world = known.draw(20_000, seed=1)
    p, label = world.posterior, world.samples.label
    assert metrics.ece(p, label) < 2 * metrics.ece_if_calibrated(p, draws=50)
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    assert metrics.nll(p, label) == pytest.approx(entropy, abs=0.02)
    for power in (0.9, 1.1):
        other = p**power / (p**power).sum(axis=1, keepdims=True)
        assert metrics.nll(other, label) > metrics.nll(p, label)


def test_evidence_adds_what_it_should() -> None:
    """Every stream that is present makes the truth likelier than the image alone does, on average."""
    world = known.draw(20_000, seed=2)
    rows = np.arange(20_000)
    image = np.exp(world.samples.image)
    image /= image.sum(axis=1, keepdims=True)
    gain = np.log(world.posterior / image)[rows, world.samples.label]
    for stream in range(7):
        assert gain[world.samples.evidence.present[:, stream] > 0].mean() > 0.02
    none = ~world.samples.evidence.present.any(axis=1)
    assert gain[none] == pytest.approx(np.zeros(none.sum()))
