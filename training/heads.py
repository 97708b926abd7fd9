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
UNSEEN = 3.0
"""A label that a resample holds no photo of gets an intercept this far below the least of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How heads are fitted: chosen by leaving sources out, recorded in the card.

    `c` is the inverse regularisation on features scaled so that a photo's squared norm is about 1.
    """

    c: float = 1.0
    heads: int = HEADS
    seed: int = SEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Linear heads on raw embeddings: `weight` (heads, labels, width), `bias` (heads, labels), float64."""

    weight: Matrix
    bias: Matrix

    def logits(self, x: Matrix) -> Matrix:
        """Raw logits, shape (photos, heads, labels), of embeddings (photos, width)."""
        return np.einsum("nw,mlw->nml", x, self.weight) + self.bias


def fit(photos: Embeddings, recipe: Recipe) -> Heads:
    """Fit the heads; the same photos and recipe give the same heads, within the solver's tolerance."""
    fitted = [
        _fit_one(photos.take(resample(photos.group, np.random.default_rng((recipe.seed, head)))), recipe.c)
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


def _fit_one(photos: Embeddings, c: float) -> tuple[Matrix, Matrix]:
    """Weights (labels, width) and biases (labels,) on raw embeddings, standardisation folded in."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.5 s, and the models extra only

    mean = photos.x.mean(axis=0)
    scale = (photos.x.std(axis=0) + 1e-6) * np.sqrt(photos.x.shape[1])
    u, s, vt = np.linalg.svd((photos.x - mean) / scale, full_matrices=False)
    kept = s > 1e-8 * s[0]
    model = LogisticRegression(C=c, class_weight="balanced", tol=1e-8, max_iter=5000)
    model.fit(u[:, kept] * s[kept], photos.label)
    coefficients, intercepts = _every_label(model.classes_, model.coef_, model.intercept_)
    weight = (coefficients @ vt[kept]) / scale
    return weight, intercepts - weight @ mean


def _every_label(seen: Labels, coefficients: Matrix, intercepts: Matrix) -> tuple[Matrix, Matrix]:
    if len(seen) == 2:  # noqa: PLR2004 - for two labels scikit-learn gives one row: their difference
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    weight = np.zeros((LABELS, coefficients.shape[1]))
    bias = np.full(LABELS, intercepts.min() - UNSEEN)
    weight[seen], bias[seen] = coefficients, intercepts
    return weight, bias
