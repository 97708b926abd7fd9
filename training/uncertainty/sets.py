"""How conformal sets and selective prediction do on photos: in domain and on sources that were left out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from training import calibration
from training.embeddings import Labels, Matrix, Names
from training.uncertainty import conformal, selective
from worker.finish.probability import posterior

ALPHAS: Final = (0.1, 0.05)
SPLITS: Final = 200


def conformal_rows(p: Matrix, label: Labels, source: Names, *, seed: int = 0) -> list[dict[str, Any]]:
    """A row for every score and α: coverage and mean size of sets.

    In domain photos are split at random, half to calibrate: `inside` is the share of splits whose coverage
    lies in its 95% beta-binomial band. On unseen sources the quantile is fitted without the photo's source;
    nothing promises that one.

    Args:
        p: probabilities, shape (n, labels), one row a photo: draws of evidence for one are not exchangeable.
        label: shape (n,).
        source: shape (n,).
        seed: of splits and of APS's chance.
    """
    rows = []
    for kind in ("lac", "aps"):
        for alpha in ALPHAS:
            rng = np.random.default_rng(seed)
            scores = conformal.lac_scores(p)
            if kind == "aps":
                scores = conformal.aps_scores(p, rng.random(len(p)))
            coverage, inside = _in_domain(scores, label, alpha, rng)
            unseen = _unseen(scores, label, source, partial(_one, alpha=alpha))
            own = _unseen(scores, label, source, partial(_each, alpha=alpha))
            rows.append(
                {
                    "score": kind,
                    "alpha": alpha,
                    "n": len(label),
                    "in_domain": {"coverage": round(coverage, 4), "inside": round(inside, 4)},
                    "unseen_sources": unseen,
                    "per_continent_unseen_sources": own,
                }
            )
    return rows


def _one(scores: Matrix, label: Labels, *, alpha: float) -> Matrix:
    found = conformal.quantile(scores[np.arange(len(label)), label], alpha=alpha)
    return np.full(scores.shape[1], found)


def _each(scores: Matrix, label: Labels, *, alpha: float) -> Matrix:
    return conformal.per_continent(scores, label, alpha=alpha).quantiles


def _in_domain(scores: Matrix, label: Labels, alpha: float, rng: np.random.Generator) -> tuple[float, float]:
    half = len(label) // 2
    low, high = conformal.band(half, len(label) - half, alpha=alpha)
    covered = []
    for _ in range(SPLITS):
        order = rng.permutation(len(label))
        fit, judge = order[:half], order[half:]
        covered.append(
            conformal.coverage(scores[judge] <= _one(scores[fit], label[fit], alpha=alpha), label[judge])
        )
    values = np.array(covered)
    return float(values.mean()), float(((values >= low) & (values <= high)).mean())


def _unseen(
    scores: Matrix, label: Labels, source: Names, fit: Callable[[Matrix, Labels], Matrix]
) -> dict[str, float]:
    sets = np.empty(scores.shape, dtype=bool)
    for name in np.unique(source):
        own = source == name
        sets[own] = scores[own] <= fit(scores[~own], label[~own])
    return {
        "coverage": round(conformal.coverage(sets, label), 4),
        "mean_set_size": round(float(sets.sum(axis=1).mean()), 4),
    }


def selective_block(
    logits: Matrix, label: Labels, group: Names, source: Names, *, student_t: float
) -> dict[str, Any]:
    """The risk–coverage curve by the lower bound of the called continent, and θ as the card would choose it.

    Args:
        logits: temperature-scaled, shape (n, members, labels), one row a photo.
        label: shape (n,).
        group: shape (n,).
        source: shape (n,).
        student_t: of the interval.
    """
    p, lower, _ = posterior(logits, temperature=1.0, student_t=student_t)
    best, wrong = selective.called(p, label)
    low = lower[np.arange(len(best)), best]
    curve = selective.risk_coverage(low, wrong)
    theta, tried = calibration.threshold(low, wrong, group, source)
    at = next((one for one in tried if one.theta == theta), min(tried, key=lambda one: one.upper_limit))
    return {
        "n": len(label),
        "aurc": round(curve.area, 4),
        "excess_aurc": round(selective.excess(low, wrong), 4),
        "risk_at": {f"{share:.1f}": round(curve.risk_at(share), 4) for share in (0.2, 0.4, 0.6, 0.8, 1.0)},
        "theta": theta,
        "target": calibration.TARGET_ERROR,
        "at": {
            "theta": at.theta,
            "called": at.n,
            "errors": at.errors,
            "effective_n": round(at.effective, 2),
            "upper_limit": round(at.upper_limit, 4),
            "coverage": round(at.coverage, 4),
        },
    }
