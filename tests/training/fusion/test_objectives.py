"""Losses and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.fusion import gated, mlp, objectives
from training.fusion.batch import Samples
from training.fusion.pool import Pool
from training.uncertainty import known
from worker.finish.probability import softmax


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Forty photos."""
    return known.draw(40, seed=1).samples


def size(layout: objectives.Layout) -> int:
    """How many parameters there are."""
    return sum(int(np.prod(shape)) for shape in layout.shapes.values())


def slopes(objective: objectives.Objective, at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The gradient by central differences."""
    return np.array(
        [
            (objective(at + step * one)[0] - objective(at - step * one)[0]) / (2 * step)
            for one in np.eye(len(at))
        ]
    )


@pytest.mark.parametrize("kind", ["gates", "dropped", "pool", "mlp"])
def test_the_gradient_is_the_slope_of_the_loss(samples: Samples, kind: str) -> None:
    """Analytic gradients agree with central differences at a random place, dropout's mask included."""
    rng = np.random.default_rng(2)
    mask = np.ones((len(samples), 7, 3))
    if kind == "dropped":
        mask = (rng.random(mask.shape) > 0.3) / 0.7
    objective, count = {
        "gates": (
            objectives.gates(samples, units=3, penalty=0.02, mask=mask),
            size(objectives.gate_layout(3)),
        ),
        "dropped": (
            objectives.gates(samples, units=3, penalty=0.02, mask=mask),
            size(objectives.gate_layout(3)),
        ),
        "pool": (objectives.pool(samples), 7),
        "mlp": (objectives.mlp(samples, units=2, penalty=0.02), size(objectives.mlp_layout(2))),
    }[kind]
    at = rng.normal(0, 0.4, count)
    _, gradient = objective(at)
    assert np.abs(gradient).max() > 0.01
    assert gradient == pytest.approx(slopes(objective, at), abs=1e-8)


def test_losses_are_those_of_the_models(samples: Samples) -> None:
    """What is minimised, without penalty, is the weighted log-likelihood of what the models say."""
    rng = np.random.default_rng(3)
    weight = samples.weight()

    def loss(fused: np.ndarray) -> float:
        p = softmax(fused.mean(axis=1))[np.arange(len(samples)), samples.label]
        return float(-(weight * np.log(p)).sum() / weight.sum())

    layout = objectives.gate_layout(4)
    flat = rng.normal(0, 0.5, size(layout))
    model = gated.Gates(**{name: part[None] for name, part in layout.split(flat).items()})
    objective = objectives.gates(samples, units=4, penalty=0.0, mask=np.ones((len(samples), 7, 4)))
    assert objective(flat)[0] == pytest.approx(loss(model.fuse(samples.logits, samples.evidence)))
    weights = rng.uniform(0, 1, 7)
    pool = Pool(weight=weights[None])
    assert objectives.pool(samples)(weights)[0] == pytest.approx(
        loss(pool.fuse(samples.logits, samples.evidence))
    )
    layout = objectives.mlp_layout(3)
    flat = rng.normal(0, 0.2, size(layout))
    perceptron = mlp.Mlp(**{name: part[None] for name, part in layout.split(flat).items()})
    fused = perceptron.fuse(samples.logits, samples.evidence)
    assert objectives.mlp(samples, units=3, penalty=0.0)(flat)[0] == pytest.approx(loss(fused), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1))
def test_the_pool_is_convex(seed: int, share: float) -> None:
    """No place between two lies above their chord, so that whatever is found is the optimum."""
    objective = objectives.pool(known.draw(20, seed=seed).samples)
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 1, (2, 7))
    between = objective(share * a + (1 - share) * b)[0]
    assert between <= share * objective(a)[0] + (1 - share) * objective(b)[0] + 1e-9


def test_parameters_survive_the_flat_vector() -> None:
    """Flat and split are each other's inverse."""
    layout = objectives.gate_layout(5)
    flat = np.random.default_rng(0).normal(size=size(layout))
    assert (layout.flat(layout.split(flat)) == flat).all()
