"""Heads for photos of sources that they have not seen: every source is left out whole, in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.calibration import temperature
from training.embeddings import Embeddings, Labels, Matrix, Names
from training.evaluation.nested import learned
from training.heads import Heads, Recipe, fit
from worker.finish.probability import softmax


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """The heads fitted without each source in turn."""

    without: dict[str, Heads]

    def logits(self, photos: Embeddings, x: Matrix | None = None) -> Matrix:
        """Out-of-source logits, shape (photos, heads, labels); of `x` where an engine's embeddings differ."""
        x = photos.x if x is None else x
        heads = next(iter(self.without.values()))
        out = np.empty((len(photos), *heads.bias.shape))
        for name, fitted in self.without.items():
            rows = photos.source == name
            out[rows] = fitted.logits(x[rows])
        return out


def leave_sources_out(photos: Embeddings, recipe: Recipe) -> Folds:
    """Fit heads without each source in turn."""
    return Folds(
        without={
            str(name): fit(photos.take(photos.source != name), recipe) for name in np.unique(photos.source)
        }
    )


def calibrated(logits: Matrix, label: Labels, source: Names) -> Matrix:
    """Probabilities whose temperature, too, was fitted without the photo's source.

    Nor was it on photos of a continent that their source alone shows: of that their heads know nothing.
    """
    p = np.empty((len(label), logits.shape[-1]))
    known = learned(label, source)
    for name in np.unique(source):
        rows = source == name
        fitted = known & ~rows
        p[rows] = softmax(logits[rows].mean(axis=1) / temperature(logits[fitted], label[fitted]))
    return p
