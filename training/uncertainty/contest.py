"""MC dropout against ensembles: what each says of its own uncertainty, and what it costs in fit.

Every method gives members of the same gates, and the worker's own interval turns their spread into bounds. In
the known world bounds are held against the true posterior; on photos only the order of confidence and the
likelihood can be judged. An ensemble of M needs M fits and M passes, dropout one fit and as many passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from training.card import student_t
from training.embeddings import Matrix
from training.fusion.batch import Samples
from training.fusion.fit import Recipe, fit_gates
from training.fusion.gated import Gates
from training.uncertainty import dropout, known, selective
from worker.finish.probability import posterior

PASSES: Final = 5
"""Masks of dropout: as many passes as the larger ensemble makes."""

UNITS: Final = 16
"""Hidden units of every method here: of 8, a rate of 0.1 would often drop none."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Members fitted on bootstrap resamples."""

    members: int

    def fit(self, samples: Samples, recipe: Recipe) -> Gates:
        """Fit them."""
        return fit_gates(samples, replace(recipe, members=self.members, units=UNITS))

    def __str__(self) -> str:
        return f"ensemble of {self.members}"


@dataclass(frozen=True, slots=True)
class Dropout:
    """One member, thinned by masks; `rate` of the hidden units in 0–1."""

    rate: float

    def fit(self, samples: Samples, recipe: Recipe) -> Gates:
        """Fit it and put the masks on."""
        one = fit_gates(samples, replace(recipe, members=1, units=UNITS, dropout=self.rate))
        return dropout.members(one, dropout.masks(PASSES, UNITS, rate=self.rate, seed=recipe.seed))

    def __str__(self) -> str:
        return f"MC dropout {self.rate}"


METHODS: Final[tuple[Ensemble | Dropout, ...]] = (Ensemble(3), Ensemble(5), Dropout(0.1), Dropout(0.2))


def in_the_known_world(
    *,
    photos: int,
    fresh: int,
    repeats: int,
    recipe: Recipe,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> list[dict[str, Any]]:
    """A row a method: how often its 95% interval holds the true probability, its width, how far p is off.

    `divergence` is the mean Kullback–Leibler divergence of the truth from p, in nats; means over repeats,
    with the standard error of coverage between them.

    Args:
        photos: fitted on in each repeat.
        fresh: judged on.
        repeats: of the whole experiment, each with photos of its own.
        recipe: how gates are fitted.
        tell: is told what is being done, how much is done and of how much.
    """
    found: dict[str, list[tuple[float, ...]]] = {str(method): [] for method in METHODS}
    for repeat in range(repeats):
        seen = known.draw(photos, seed=2 * repeat)
        new = known.draw(fresh, seed=2 * repeat + 1)
        for place, method in enumerate(METHODS):
            tell(f"known world: {method}", repeat * len(METHODS) + place, repeats * len(METHODS))
            found[str(method)].append(_held(method.fit(seen.samples, recipe), new))
    rows = []
    for name, values in found.items():
        table = np.array(values)
        mean = table.mean(axis=0)
        error = table[:, 0].std(ddof=1) / np.sqrt(repeats) if repeats > 1 else float("nan")
        rows.append(
            {
                "method": name,
                "coverage": float(mean[0]),
                "standard_error": float(error),
                "width": float(mean[1]),
                "divergence": float(mean[2]),
                "n": photos,
                "repeats": repeats,
            }
        )
    return rows


def _held(gates: Gates, new: known.Known) -> tuple[float, float, float]:
    """Coverage, mean width and divergence, over every photo with evidence and every continent."""
    rows = new.samples.evidence.present.max(axis=1) > 0
    seen, truth = new.samples.take(rows), new.posterior[rows]
    p, low, high = bounds(gates, seen)
    held = (low <= truth) & (truth <= high)
    divergence = (truth * (np.log(truth) - np.log(p))).sum(axis=1)
    return float(held.mean()), float((high - low).mean()), float(divergence.mean())


def bounds(gates: Gates, samples: Samples) -> tuple[Matrix, Matrix, Matrix]:
    """Probabilities with the worker's interval over members, each (n, labels); the image's heads averaged.

    Else the spread of the heads would hide that of the gates.
    """
    image = np.repeat(samples.image[:, None], gates.members, axis=1)
    fused = gates.fuse(image, samples.evidence)
    return posterior(fused, temperature=1.0, student_t=student_t(gates.members))


def on_photos(
    train: Samples,
    test: Samples,
    recipe: Recipe,
    *,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> list[dict[str, Any]]:
    """A row a method: likelihood and selective prediction on photos whose source was left out of the fit.

    `excess_aurc` is the area under the risk–coverage curve, by the lower bound of the called continent, above
    that of the best order possible.
    """
    rows = []
    for place, method in enumerate(METHODS):
        tell(f"photos: {method}", place, len(METHODS))
        p, low = np.empty((len(test), 7)), np.empty((len(test), 7))
        for name in np.unique(test.source):
            own = test.source == name
            gates = method.fit(train.take(train.source != name), recipe)
            p[own], low[own], _ = bounds(gates, test.take(own))
        best, wrong = selective.called(p, test.label)
        at = np.arange(len(test))
        rows.append(
            {
                "method": str(method),
                "nll": float(-np.log(p[at, test.label]).mean()),
                "excess_aurc": selective.excess(low[at, best], wrong),
                "n": len(np.unique(test.photo)),
                "samples": len(test),
            }
        )
    return rows
