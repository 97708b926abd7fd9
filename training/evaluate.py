"""Judge heads on photos of sources that they have not seen: every source is left out whole, in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training import metrics
from training.calibration import conformal_quantile, temperature
from training.embeddings import Embeddings, Labels, Matrix, Names
from training.heads import Heads, Recipe, fit
from worker.finish.probability import softmax
from worker.record import SLUGS


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
    """Probabilities whose temperature, too, was fitted without the photo's source."""
    p = np.empty((len(label), logits.shape[-1]))
    for name in np.unique(source):
        rows = source == name
        p[rows] = softmax(logits[rows].mean(axis=1) / temperature(logits[~rows], label[~rows]))
    return p


def conformal_coverage(p: Matrix, label: Labels, source: Names) -> tuple[float, float]:
    """Coverage of the 90% sets and their mean size, the quantile fitted without the photo's source."""
    held, sizes = [], []
    for name in np.unique(source):
        rows = source == name
        quantile = conformal_quantile(p[~rows], label[~rows])
        inside = 1 - p[rows] <= quantile
        held.extend(inside[np.arange(rows.sum()), label[rows]])
        sizes.extend(inside.sum(axis=1))
    return float(np.mean(held)), float(np.mean(sizes))


def scores(logits: Matrix, label: Labels, source: Names) -> dict[str, Any]:
    """Everything that the card says about how good the model is, with n and 95% intervals."""
    p = calibrated(logits, label, source)
    expected = metrics.ece_if_calibrated(p)
    measured = metrics.ece(p, label)
    coverage, size = conformal_coverage(p, label, source)
    found = metrics.recall(p, label)
    counts = np.bincount(label, minlength=len(SLUGS))
    return {
        "how": "every source left out whole in turn, heads and temperature fitted without it; intervals: 95%,"
        " bootstrap over sources",
        "n": len(label),
        "sources": len(np.unique(source)),
        "accuracy": _with_interval(metrics.accuracy, p, label, source),
        "balanced_accuracy": _with_interval(metrics.balanced_accuracy, p, label, source),
        "nll": _with_interval(metrics.nll, p, label, source),
        "recall": {
            slug: {"value": _round(found[i]), "n": int(counts[i])}
            for i, slug in enumerate(SLUGS)
            if i in found
        },
        "ece": {
            **_with_interval(metrics.ece, p, label, source),
            "bins": metrics.BINS,
            "if_calibrated": _round(expected),
            "debiased": _round(measured - expected),
        },
        "conformal": {"coverage": _round(coverage), "mean_set_size": _round(size)},
        "baselines": baselines(label, source),
    }


def baselines(label: Labels, source: Names) -> dict[str, Any]:
    """What knowing nothing of the photo reaches, by the same leaving-out and, more kindly, knowing it all."""
    labels = len(SLUGS)
    p = np.empty((len(label), labels))
    for name in np.unique(source):
        rows = source == name
        # One added to each: a continent that the other sources lack keeps a chance.
        seen = np.bincount(label[~rows], minlength=labels) + 1.0
        p[rows] = seen / seen.sum()
    prior = np.bincount(label, minlength=labels) / len(label)
    return {
        "majority": {
            "accuracy": _round(metrics.accuracy(p, label)),
            "balanced_accuracy": _round(metrics.balanced_accuracy(p, label)),
        },
        "prior": {"nll": _round(metrics.nll(p, label))},
        "uniform": {"nll": _round(float(np.log(labels)))},
        "knowing_this_set": {
            "accuracy": _round(float(prior.max())),
            "balanced_accuracy": _round(1 / len(np.unique(label))),
            "nll": _round(float(-(prior[prior > 0] * np.log(prior[prior > 0])).sum())),
        },
    }


def _with_interval(score: metrics.Score, p: Matrix, label: Labels, source: Names) -> dict[str, float]:
    low, high = metrics.interval(score, p, label, source)
    return {"value": _round(score(p, label)), "low": _round(low), "high": _round(high)}


def _round(value: float) -> float:
    return round(value, 4)
