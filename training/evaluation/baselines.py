"""What one gets without the model, by the same leaving-out: each baseline fitted without the photo's fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from training.embeddings import Embeddings
from training.evaluation.answers import Answers, Labels, Matrix, Truth
from worker.record import SLUGS

LABELS: Final = len(SLUGS)

Guess = Callable[[Embeddings, Matrix], Matrix]
"""Photos to learn from, embeddings (m, width) to judge → probabilities (m, 7)."""


def prior(known: Embeddings, x: Matrix) -> Matrix:
    """How often each continent occurs among the known photos, one added to each: none is ruled out."""
    counts = np.bincount(known.label, minlength=LABELS) + 1.0
    return np.tile(counts / counts.sum(), (len(x), 1))


def majority(known: Embeddings, x: Matrix) -> Matrix:
    """Always the most frequent continent, as sure of it as it is frequent."""
    counts = np.bincount(known.label, minlength=LABELS)
    label = np.full(len(x), counts.argmax())
    return _sure(label, counts.max() / counts.sum())


def nearest_neighbour(known: Embeddings, x: Matrix) -> Matrix:
    """The continent of the most similar known photo (cosine), as sure of it as that rule is among the known.

    How often it is right is counted with each known photo's own source left out.
    """
    learned = _unit(known.x)
    found = known.label[(_unit(x) @ learned.T).argmax(axis=1)]
    alike = learned @ learned.T
    alike[known.source[:, None] == known.source] = -np.inf
    right = (known.label[alike.argmax(axis=1)] == known.label).mean()
    return _sure(found, float(right))


def log_linear(known: Embeddings, x: Matrix) -> Matrix:
    """One multinomial logistic regression on the embedding: no balance, no bagging, no calibration.

    scikit-learn's defaults on features scaled to a mean squared norm of 1.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.5 s, and the models extra only
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - likewise

    mean = known.x.mean(axis=0)
    scale = np.sqrt(((known.x - mean) ** 2).sum(axis=1).mean())
    # One thread: so small a problem waits for its threads.
    with threadpool_limits(1):
        model = LogisticRegression(max_iter=500).fit((known.x - mean) / scale, known.label)
        found = model.predict_proba((x - mean) / scale)
    # A continent that the known photos lack keeps the chance that one added photo would give it.
    p = np.full((len(x), LABELS), 1 / (len(known) + LABELS))
    p[:, model.classes_] = np.maximum(found, p[:, model.classes_])
    return np.asarray(p / p.sum(axis=1, keepdims=True))


BASELINES: Final[Mapping[str, Guess]] = {
    "majority": majority,
    "prior": prior,
    "log_linear": log_linear,
    "nearest_neighbour": nearest_neighbour,
}


def judged(photos: Embeddings, fold: Labels, guess: Guess) -> Answers:
    """The baseline's answers for photos of whose fold it knows nothing."""
    p = np.empty((len(photos), LABELS))
    for number in np.unique(fold):
        held = fold == number
        p[held] = guess(photos.take(~held), photos.x[held])
    return Answers.plain(Truth(label=photos.label, group=photos.group, source=photos.source), p)


def knowing(truth: Truth) -> Answers:
    """The frequencies of these very photos: no honest baseline, but one to be worth more than."""
    share = np.bincount(truth.label, minlength=LABELS) / len(truth)
    return Answers.plain(truth, np.tile(share, (len(truth), 1)))


def _sure(label: Labels, share: float) -> Matrix:
    """Probability `share` for the label, the rest evenly; never below an even chance, never certain."""
    share = float(np.clip(share, 1 / LABELS, 0.99))
    p = np.full((len(label), LABELS), (1 - share) / (LABELS - 1))
    p[np.arange(len(label)), label] = share
    return p


def _unit(x: Matrix) -> Matrix:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))
