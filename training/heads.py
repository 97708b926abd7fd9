"""M = 5 image-only heads: multinomial logistic regression on bootstrap resamples of whole groups.

Convex, so that a refit reproduces it; the spread of the heads is the fitting uncertainty that the interval
shows. Fitted in the span of the training photos (exact for an L2 penalty, by the representer theorem), which
turns 1,280 features into at most as many as there are photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.embeddings import Embeddings, Labels, Matrix, Names
from worker.record import SLUGS

HEADS = 5
SEED = 20261121
LABELS = len(SLUGS)
RANK = 1e-8
"""Directions in which the photos differ by less than this share of the most are rounding."""

UNSEEN = 3.0
"""A label that a resample holds no photo of gets an intercept this far below the least of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How heads are fitted: chosen by leaving sources out, recorded in the card.

    `c` is the inverse regularisation on features scaled so that the mean squared norm of a photo is 1.
    """

    c: float = 3.0
    heads: int = HEADS
    seed: int = SEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Linear heads on raw embeddings: `weight` (heads, labels, width), `bias` (heads, labels), float64."""

    weight: Matrix
    bias: Matrix

    def logits(self, x: Matrix) -> Matrix:
        """Raw logits, shape (photos, heads, labels), of embeddings (photos, width)."""
        return np.asarray(np.einsum("nw,mlw->nml", x, self.weight) + self.bias)


def fit(photos: Embeddings, recipe: Recipe) -> Heads:
    """Fit the heads; the same photos and recipe give the same heads, within the solver's tolerance."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn, the models extra

    # One thread: so small a decomposition waits for its threads (17 times slower on two busy cores).
    with threadpool_limits(1):
        fitted = [
            _fit_one(photos, resample(photos.group, np.random.default_rng((recipe.seed, head))), recipe.c)
            for head in range(recipe.heads)
        ]
    return Heads(weight=np.stack([w for w, _ in fitted]), bias=np.stack([b for _, b in fitted]))


def resample(group: Names, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows of a bootstrap resample: as many groups as there are, drawn with replacement, whole.

    >>> rows = resample(np.array(["a", "a", "b"]), np.random.default_rng(0))
    >>> bool(np.count_nonzero(rows == 0) == np.count_nonzero(rows == 1))
    True
    """
    names = np.unique(group)
    drawn = rng.choice(names, len(names))
    return np.concatenate([np.flatnonzero(group == name) for name in drawn])


def balance(label: Labels, source: Names) -> npt.NDArray[np.float64]:
    """Weights, mean 1, by which every continent counts the same, and within it every source.

    Without the second part a continent is learned as the look of the one source that most of its photos have.

    >>> balance(np.array([0, 0, 0, 1]), np.array(["a", "a", "b", "a"])).tolist()
    [0.5, 0.5, 1.0, 2.0]
    """
    cells = np.array([f"{number}\0{name}" for number, name in zip(label, source, strict=True)])
    _, cell, photos = np.unique(cells, return_inverse=True, return_counts=True)
    weight = 1 / photos[cell]
    weight /= np.bincount(label, weight)[label]
    return np.asarray(weight / weight.mean())


def _fit_one(photos: Embeddings, drawn: npt.NDArray[np.int64], c: float) -> tuple[Matrix, Matrix]:
    """Weights (labels, width) and biases (labels,) on raw embeddings, centring and scale folded in."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.5 s, and the models extra only

    balanced = balance(photos.label[drawn], photos.source[drawn])
    # A photo that was drawn twice is one row of twice the weight: the same optimum for less work.
    rows, times = np.unique(drawn, return_counts=True)
    weight = np.bincount(drawn, balanced)[rows]
    x = photos.x[rows]
    mean = np.average(x, axis=0, weights=times)
    scale = np.sqrt(np.average((x**2).sum(axis=1), weights=times))
    u, s, vt = np.linalg.svd((x - mean) / scale, full_matrices=False)
    kept = s > RANK * s[0]
    # Newton's method: a hundred times closer to the optimum than L-BFGS, in a quarter of its time.
    model = LogisticRegression(C=c, solver="newton-cg", tol=1e-8, max_iter=200)
    model.fit(u[:, kept] * s[kept], photos.label[rows], sample_weight=weight)
    coefficients, intercepts = _every_label(model.classes_, model.coef_, model.intercept_)
    folded = (coefficients @ vt[kept]) / scale
    return folded, intercepts - folded @ mean


def _every_label(seen: Labels, coefficients: Matrix, intercepts: Matrix) -> tuple[Matrix, Matrix]:
    if len(seen) == 2:  # noqa: PLR2004 - for two labels scikit-learn gives one row: their difference
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    weight = np.zeros((LABELS, coefficients.shape[1]))
    bias = np.full(LABELS, intercepts.min() - UNSEEN)
    weight[seen], bias[seen] = coefficients, intercepts
    return weight, bias
