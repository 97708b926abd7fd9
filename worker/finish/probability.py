"""Probabilities and their 95% interval from the heads of an ensemble."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from worker.finish.recipe import IntervalMethod
from worker.record import Logits

Vector = npt.NDArray[np.float64]


class Posterior(NamedTuple):
    """Arrays of shape (…, labels): 0 ≤ low ≤ p ≤ high ≤ 1, and p sums to 1."""

    p: Vector
    low: Vector
    high: Vector


def posterior(
    logits: Logits | Vector, *, temperature: float, student_t: float, interval: IntervalMethod = "bootstrap"
) -> Posterior:
    """Probabilities of the mean logits, with an interval from the spread of the heads on the log-odds scale.

    p = softmax(mean_m z_m / T). For each label, s is the standard deviation over heads of log(p/(1 − p)) and
    the half-width is t·s·√(1 + 1/M) for heads fitted on bootstrap resamples (their spread already is the
    standard error), t·s/√M for heads that differ by seed alone. Centred on logit(p) and mapped back by the
    sigmoid, so that low ≤ p ≤ high by construction. It covers fitting uncertainty, not a shift of the data.

    Args:
        logits: raw head outputs, shape (…, heads, labels); at least two heads.
        temperature: T > 0, from the card.
        student_t: t_{.975, heads − 1}, from the card.
        interval: how the heads differ.

    Raises:
        ValueError: fewer than two heads, or a logit that is not finite.

    >>> equal = posterior(np.zeros((5, 7)), temperature=1.0, student_t=2.776)
    >>> [round(float(x), 4) for x in (equal.p[0], equal.low[0], equal.high[0])]
    [0.1429, 0.1429, 0.1429]
    """
    z = np.asarray(logits, dtype=np.float64) / temperature
    heads = z.shape[-2]
    if heads < 2:  # noqa: PLR2004 - a spread needs two
        raise ValueError("an interval needs at least two heads")
    if not np.isfinite(z).all():
        raise ValueError("the engine answered with a logit that is not finite")
    mean = z.mean(axis=-2)
    centre = log_odds(mean)
    spread = log_odds(z).std(axis=-2, ddof=1)
    scale = np.sqrt(1 + 1 / heads) if interval == "bootstrap" else 1 / np.sqrt(heads)
    half = student_t * spread * scale
    p = softmax(mean)
    # p and the sigmoids round differently in the last bit: hold the promise low ≤ p ≤ high exactly.
    return Posterior(p, np.minimum(_sigmoid(centre - half), p), np.maximum(_sigmoid(centre + half), p))


def softmax(z: Vector) -> Vector:
    """Softmax over the last axis, shape kept."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def log_odds(z: Vector) -> Vector:
    """log(p/(1 − p)) of softmax(z) over the last axis, stable where p is near 0 or 1.

    Equals z_c − logsumexp of the other labels' z.
    """
    labels = z.shape[-1]
    others = np.broadcast_to(z[..., None, :], (*z.shape, labels)).copy()
    others[..., np.eye(labels, dtype=bool)] = -np.inf
    peak = others.max(axis=-1, keepdims=True)
    return np.asarray(z - (peak[..., 0] + np.log(np.exp(others - peak).sum(axis=-1))))


def _sigmoid(x: Vector) -> Vector:
    # tanh saturates instead of overflowing.
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def entropy(p: Vector) -> float:
    """Shannon entropy in nats, 0 ≤ H ≤ ln(labels); 0·ln 0 = 0.

    >>> round(entropy(np.full(7, 1 / 7)), 4)
    1.9459
    """
    positive = p[p > 0]
    return float(max(0.0, -(positive * np.log(positive)).sum()))


def margin(p: Vector) -> float:
    """The largest probability less the second largest, in 0–1."""
    second, first = np.partition(p, -2)[-2:]
    return float(first - second)
