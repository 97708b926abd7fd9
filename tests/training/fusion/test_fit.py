"""What fitting finds, in a world whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from training.fusion import objectives
from training.fusion.fit import Recipe, fit_gates, fit_mlp, fit_pool
from training.uncertainty import known
from worker.finish.probability import softmax

QUICK = Recipe(members=1, steps=80)


def divergence(p: np.ndarray, truth: np.ndarray) -> float:
    """Mean Kullback–Leibler divergence of the truth from p, in nats."""
    return float((truth * (np.log(truth) - np.log(p))).sum(axis=1).mean())


@pytest.fixture(scope="module")
def world() -> tuple[known.Known, known.Known]:
    """Photos to fit on and fresh ones."""
    return known.draw(1500, seed=0), known.draw(1000, seed=1)


def test_gates_learn_whom_to_trust(world: tuple[known.Known, known.Known]) -> None:
    """Nearer to the true posterior than a pool and a perceptron, which are nearer than the image alone."""
    seen, new = world
    samples = new.samples
    found = {
        name: divergence(softmax(model.fuse(samples.logits, samples.evidence).mean(axis=1)), new.posterior)
        for name, model in (
            ("gated", fit_gates(seen.samples, QUICK)),
            ("pool", fit_pool(seen.samples, QUICK)),
            ("mlp", fit_mlp(seen.samples, QUICK)),
        )
    }
    image = divergence(softmax(samples.image), new.posterior)
    assert found["gated"] < 0.03
    assert found["gated"] < min(found["pool"], found["mlp"])
    assert max(found.values()) < image


def test_the_order_of_trust_is_the_worlds(world: tuple[known.Known, known.Known]) -> None:
    """At full quality the gates of the streams follow their reliabilities."""
    seen, new = world
    gates = fit_gates(seen.samples, QUICK)
    opened = gates.open(new.samples.image, new.samples.evidence)[:, 0]
    sure = new.samples.evidence.quality > 0.8
    means = [opened[sure[:, stream], stream].mean() for stream in range(7)]
    truth = np.array(known.RELIABILITY)
    assert np.corrcoef(means, truth)[0, 1] > 0.85


def test_the_pool_finds_the_optimum_that_another_method_finds(world: tuple[known.Known, known.Known]) -> None:
    """A trust-region method on the same loss, without bootstrap's help, agrees on every weight."""
    seen, _ = world
    pool = fit_pool(seen.samples, QUICK)
    rng = np.random.default_rng((QUICK.seed, 0))
    names = np.unique(seen.samples.group)
    rows = np.concatenate(
        [np.flatnonzero(seen.samples.group == name) for name in rng.choice(names, len(names))]
    )
    rows = rows[seen.samples.evidence.present[rows].any(axis=1)]
    objective = objectives.pool(seen.samples.take(rows))
    other = minimize(objective, np.full(7, 0.5), jac=True, method="SLSQP", bounds=[(0, 1)] * 7, tol=1e-12)
    assert pool.weight[0] == pytest.approx(other.x, abs=2e-3)


def test_a_fit_is_repeatable_and_members_differ() -> None:
    """The same samples and recipe give the same numbers; members saw different resamples."""
    seen = known.draw(200, seed=5).samples
    recipe = Recipe(members=2, steps=20, units=4)
    one, two = fit_gates(seen, recipe), fit_gates(seen, recipe)
    assert (one.hidden == two.hidden).all()
    assert one.members == 2
    assert np.abs(one.bias[0] - one.bias[1]).max() > 1e-3


def test_dropout_changes_the_fit() -> None:
    """Dropped units are really dropped while fitting."""
    seen = known.draw(200, seed=6).samples
    plain, dropped = (
        fit_gates(seen, Recipe(members=1, steps=20, units=4, dropout=rate)) for rate in (0.0, 0.5)
    )
    assert np.abs(plain.output - dropped.output).max() > 1e-3
