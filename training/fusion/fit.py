"""Fit the fusion models: each member on a bootstrap resample of whole groups, by L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from training.embeddings import Matrix
from training.fusion import gated, mlp, objectives
from training.fusion.batch import KINDS, Samples
from training.fusion.pool import Pool
from training.heads import HEADS, SEED, resample

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a fusion model is fitted; recorded in the card.

    `units` of the hidden layer, `penalty` of the squared weights against a mean loss, `dropout` of the hidden
    units in 0–1, at most `steps` of L-BFGS.
    """

    members: int = HEADS
    units: int = 8
    penalty: float = 1e-2
    dropout: float = 0.0
    steps: int = 150
    seed: int = SEED


def fit_gates(samples: Samples, recipe: Recipe) -> gated.Gates:
    """Fit gated late fusion; samples without evidence teach it nothing and are passed over."""
    layout = objectives.gate_layout(recipe.units)
    members = []
    for member in range(recipe.members):
        drawn, rng = _drawn(samples, recipe, member)
        # Dropped units are drawn once a sample and fixed: the loss stays a function, as L-BFGS needs it.
        kept = rng.random((*drawn.evidence.present.shape, recipe.units)) >= recipe.dropout
        objective = objectives.gates(
            drawn, units=recipe.units, penalty=recipe.penalty, mask=kept / (1 - recipe.dropout)
        )
        # Small weights, gates about two thirds open where quality is 1.
        start = {name: rng.normal(0, 0.3, shape) for name, shape in layout.shapes.items()}
        start |= {"bias": np.full(KINDS, 0.7), "power": np.zeros(KINDS)}
        found = layout.split(_minimise(objective, layout.flat(start), recipe.steps))
        members.append(gated.Gates(**{name: part[None] for name, part in found.items()}))
    return gated.stack(members)


def fit_pool(samples: Samples, recipe: Recipe) -> Pool:
    """Fit the log-linear pool: one weight a stream, within 0–1, the same for every photo."""
    bounds = [(0.0, 1.0)] * KINDS
    weights = [
        _minimise(
            objectives.pool(_drawn(samples, recipe, member)[0]), np.full(KINDS, 0.7), recipe.steps, bounds
        )
        for member in range(recipe.members)
    ]
    return Pool(weight=np.stack(weights))


def fit_mlp(samples: Samples, recipe: Recipe, *, units: int = 32, penalty: float = 3e-2) -> mlp.Mlp:
    """Fit concatenation and a perceptron of its own `units` and `penalty`."""
    layout = objectives.mlp_layout(units)
    members = []
    for member in range(recipe.members):
        drawn, rng = _drawn(samples, recipe, member)
        objective = objectives.mlp(drawn, units=units, penalty=penalty)
        start = np.concatenate([rng.normal(0, 0.1, shape).ravel() for shape in layout.shapes.values()])
        found = layout.split(_minimise(objective, start, recipe.steps))
        members.append(mlp.Mlp(**{name: part[None] for name, part in found.items()}))
    return mlp.stack(members)


def _drawn(samples: Samples, recipe: Recipe, member: int) -> tuple[Samples, np.random.Generator]:
    rng = np.random.default_rng((recipe.seed, member))
    rows = resample(samples.group, rng)
    return samples.take(rows[samples.evidence.present[rows].any(axis=1)]), rng


def _minimise(
    objective: objectives.Objective,
    start: Matrix,
    steps: int,
    bounds: list[tuple[float, float]] | None = None,
) -> Matrix:
    from scipy.optimize import minimize  # noqa: PLC0415 - 0.3 s, and the models extra only

    with _one_thread():
        found = minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps}
        )
    return np.asarray(found.x)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold linear algebra to one thread: products so small wait for their threads."""
    with _pools().limit(limits=1):
        yield


@cache
def _pools() -> ThreadpoolController:
    """The libraries that have threads; looking for them takes longer than a small fit, so once."""
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - comes with scikit-learn, the models extra

    return ThreadpoolController()
