"""Answers for photos that nothing was fitted on: outer folds leave photos out, inner folds fit calibration.

What is fitted for a photo – heads, temperature, conformal quantile, threshold – has seen neither it nor
anything of its fold. The inner folds are of the outer ones' kind: a temperature fitted on photos of known
sources is too sure of unknown ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Final

import numpy as np

from training.calibration import conformal_quantile, temperature, threshold
from training.embeddings import Embeddings
from training.evaluation.answers import Answers, Labels, Mask, Matrix, Names, Truth
from training.heads import Recipe, fit
from worker.errors import Refuse
from worker.finish.conformal import lac_set
from worker.finish.probability import posterior

IN_DOMAIN: Final = 8
LEAST_FOLDS: Final = 3
"""One judged, one to calibrate on, one to fit on."""

Meter = Callable[[str, int, int], None]
Predict = Callable[[Matrix], Matrix]
"""Embeddings (n, width) → logits (n, heads, labels)."""

Fit = Callable[[Embeddings], Predict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """What is fitted on out-of-fold logits; `theta` is None where no threshold met its target."""

    temperature: float
    quantile: float
    theta: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Logits (n, heads, labels) of photos left out, and by each photo's outer fold how they are finished."""

    truth: Truth
    logits: Matrix
    fold: Labels
    finishings: tuple[Finishing, ...]
    student_t: float

    def answers(self, *, calibrated: bool = True) -> Answers:
        """What the worker would say; not calibrated: temperature 1, the rest as it is."""
        n, labels = len(self.truth), self.logits.shape[-1]
        p, low = np.empty((n, labels)), np.empty(n)
        sets, called = np.zeros((n, labels), dtype=bool), np.zeros(n, dtype=bool)
        for number, finishing in enumerate(self.finishings):
            rows = np.flatnonzero(self.fold == number)
            t = finishing.temperature if calibrated else 1.0
            estimate = posterior(self.logits[rows], temperature=t, student_t=self.student_t)
            p[rows] = estimate.p
            low[rows] = estimate.low[np.arange(len(rows)), estimate.p.argmax(axis=1)]
            for row in rows:
                sets[row, list(lac_set(p[row], quantile=finishing.quantile))] = True
            if finishing.theta is not None:
                called[rows] = low[rows] >= finishing.theta
        return Answers(truth=self.truth, p=p, sureness=low, sets=sets, called=called)

    def scaled(self) -> Matrix:
        """The logits (n, heads, labels), each photo's divided by its fold's temperature."""
        fitted = np.array([each.temperature for each in self.finishings])
        return np.asarray(self.logits / fitted[self.fold][:, None, None])


def linear_heads(recipe: Recipe) -> Fit:
    """The heads that ship, as something that can be fitted again and again."""
    return lambda photos: fit(photos, recipe).logits


def in_their_span(photos: Embeddings) -> Embeddings:
    """The same photos in as few features as they span: lengths and angles, and so all linear fits, stay.

    340 photos of 1,280 features are a third quicker to fit in 340, a hundred and fifty times over.
    """
    u, s, _ = np.linalg.svd(photos.x, full_matrices=False)
    return replace(photos, x=u * s, bf16=None)


def by_source(photos: Embeddings) -> Labels:
    """The outer folds of the headline: each source is one."""
    return np.unique(photos.source, return_inverse=True)[1]


def by_group(photos: Embeddings, folds: int = IN_DOMAIN) -> Labels:
    """Folds within the domain: whole groups, continents spread evenly, every source on both sides.

    No more than there are groups, or photos of the continent that has most; a single one where that is none.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - 0.5 s, and the models extra only

    found = np.zeros(len(photos), dtype=np.int64)
    most = int(np.bincount(photos.label).max(initial=0))
    count = min(folds, len(np.unique(photos.group)), most)
    if count < 2:  # noqa: PLR2004 - the splitter's own least
        return found
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # A continent with fewer photos than folds is missing in some: nothing that could be mended.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held) in enumerate(splitter.split(photos.x, photos.label, photos.group)):
            found[held] = number
    return found


def nested(photos: Embeddings, fold: Labels, how: Fit, *, meter: Meter) -> Nested:
    """Leave out each fold in turn; fit calibration on what is left, of which each fold is left out in turn.

    A model without the folds a and b serves both: a's calibration is fitted on its answers for b, b's on
    those for a. So k folds take k + k(k − 1)/2 fits.

    Args:
        photos: what is fitted on and judged.
        fold: the fold of each photo, shape (n,).
        how: fits a model.
        meter: told how far it is.

    Raises:
        Refuse: there are fewer than three folds, so that none is left to fit on.
    """
    numbers = np.unique(fold)
    count = len(numbers)
    if count < LEAST_FOLDS:
        raise Refuse("nested folds need photos of three sources at least: add photos of other sources.")
    pairs = list(combinations_with_replacement(numbers, 2))
    # Of each photo: the logits by the models without its fold and another, the other being the outer one.
    inner: dict[int, Matrix] = {}
    for done, (one, other) in enumerate(pairs):
        meter("leaving out", done, len(pairs))
        predict = how(photos.take((fold != one) & (fold != other)))
        for outer, held in {(one, other), (other, one)}:
            rows = fold == held
            answers = predict(photos.x[rows])
            if outer not in inner:
                inner[outer] = np.empty((len(photos), *answers.shape[1:]))
            inner[outer][rows] = answers
    meter("leaving out", len(pairs), len(pairs))
    truth = Truth(label=photos.label, group=photos.group, source=photos.source)
    student_t = _student_t(next(iter(inner.values())).shape[1])
    finishings = []
    for outer in numbers:
        rest = np.flatnonzero(fold != outer)
        rows = rest[learned(photos.label[rest], fold[rest])]
        finishings.append(finishing(inner[outer][rows], truth.take(rows), student_t))
    return Nested(
        truth=truth,
        logits=np.stack([inner[number][row] for row, number in enumerate(fold)]),
        fold=np.searchsorted(numbers, fold),
        finishings=tuple(finishings),
        student_t=student_t,
    )


def learned(label: Labels, fold: Labels | Names) -> Mask:
    """The photos that calibration is fitted on: those whose continent another fold shows too, shape (n,).

    Of a continent whose photos were all left out nothing can be learned, and how wrong that goes says
    nothing about a model that has seen all seven. They are judged all the same.

    Raises:
        Refuse: there is no such photo.

    >>> learned(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])).tolist()
    [True, True, False, False]
    """
    found = np.zeros(len(label), dtype=np.bool_)
    for number in np.unique(fold):
        own = fold == number
        found |= own & np.isin(label, label[~own])
    if not found.any():
        raise Refuse("no continent is shown by two sources: add photos of other sources.")
    return found


def finishing(logits: Matrix, truth: Truth, student_t: float) -> Finishing:
    """Fit what the worker finishes with on out-of-fold logits (n, heads, labels)."""
    fitted = temperature(logits, truth.label)
    p, lower, _ = posterior(logits, temperature=fitted, student_t=student_t)
    called = p.argmax(axis=1)
    low = lower[np.arange(len(called)), called]
    theta, _ = threshold(low, called != truth.label, truth.group, truth.source)
    return Finishing(temperature=fitted, quantile=conformal_quantile(p, truth.label), theta=theta)


def _student_t(heads: int) -> float:
    from scipy.stats import t  # noqa: PLC0415 - 0.5 s, and the models extra only

    return float(t.ppf(0.975, heads - 1))
