"""Fit what the worker finishes with: temperature, conformal quantile, decision threshold.

All on logits of photos whose source was left out of the fit. The functions that apply these numbers are the
worker's own (`worker.finish`); here they are only chosen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.embeddings import Labels, Matrix, Names
from worker.finish.probability import softmax

COVERAGE: Final = 0.9
TARGET_ERROR: Final = 0.2
CONFIDENCE: Final = 0.95
GRID: Final = tuple(step / 20 for step in range(4, 20))
"""Thresholds that are tried: 0.20, 0.25, … 0.95; few, since each try is one more chance to be lucky."""

_LOG_T: Final = (math.log(0.02), math.log(50.0))


def temperature(logits: Matrix, label: Labels) -> float:
    """The T > 0 that minimises the negative log-likelihood of softmax(z/T), z = mean over heads.

    Convex in 1/T; T is kept within 0.02–50. Guo et al., 2017.

    Args:
        logits: shape (photos, heads, labels).
        label: shape (photos,).
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - 0.3 s, and the models extra only

    z = logits.mean(axis=1)
    rows = np.arange(len(label))

    def loss(log_t: float) -> float:
        return float(-np.log(np.maximum(softmax(z / math.exp(log_t))[rows, label], 1e-300)).mean())

    found = minimize_scalar(loss, bounds=_LOG_T, method="bounded", options={"xatol": 1e-10})
    return math.exp(float(found.x))


def conformal_quantile(p: Matrix, label: Labels, *, coverage: float = COVERAGE) -> float:
    """The ⌈(n + 1)·coverage⌉-th smallest score 1 − p_label, or 1 (every label) when n is too small for it.

    Least ambiguous set-valued classifier (Sadinle, Lei and Wasserman, 2019).

    >>> conformal_quantile(np.array([[0.9, 0.1]] * 3), np.zeros(3, dtype=np.int64))
    1.0
    """
    scores = np.sort(1 - p[np.arange(len(label)), label])
    # A ceiling of a product of decimals: 10 × 0.9 must not become 10 by its last bit.
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    return float(scores[rank - 1]) if rank <= len(scores) else 1.0


def upper_limit(errors: float, trials: float, *, confidence: float) -> float:
    """One-sided Clopper–Pearson upper limit of a share; effective (fractional) counts may be given.

    >>> round(upper_limit(0, 14, confidence=0.95), 4)
    0.1926
    """
    from scipy.stats import beta  # noqa: PLC0415 - 0.5 s, and the models extra only

    if errors >= trials:
        return 1.0
    return float(beta.ppf(confidence, errors + 1, trials - errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selective:
    """How often photos that reach a threshold are called wrongly: counts of photos, groups and sources."""

    theta: float
    n: int
    errors: int
    groups: int
    sources: int
    effective: float
    upper_limit: float
    coverage: float


def selective(
    theta: float, low: Matrix, wrong: npt.NDArray[np.bool_], group: Names, source: Names
) -> Selective:
    """Measure the photos whose called label has a lower bound of at least θ.

    The trials of the Clopper–Pearson limit are not the photos: those of one trip or one source fail
    together. Their number is the photos' divided by the design effect of clustering by source (Korn and
    Graubard, 1998), and never more than the number of groups. The confidence is shared among the thresholds
    that are tried (Bonferroni).

    Args:
        theta: the threshold.
        low: the lower bound of each photo's most probable label, shape (photos,).
        wrong: whether that label is wrong.
        group: what a photo was taken with.
        source: what was left out.
    """
    taken = low >= theta
    n, errors = int(taken.sum()), int((wrong & taken).sum())
    if n == 0:
        return Selective(
            theta=theta, n=0, errors=0, groups=0, sources=0, effective=0.0, upper_limit=1.0, coverage=0.0
        )
    groups, sources = len(np.unique(group[taken])), len(np.unique(source[taken]))
    effective = min(float(groups), _effective(wrong[taken], source[taken]))
    limit = upper_limit(errors / n * effective, effective, confidence=1 - (1 - CONFIDENCE) / len(GRID))
    return Selective(
        theta=theta,
        n=n,
        errors=errors,
        groups=groups,
        sources=sources,
        effective=effective,
        upper_limit=limit,
        coverage=n / len(low),
    )


def _effective(wrong: npt.NDArray[np.bool_], source: Names) -> float:
    """Independent photos that these are worth: p(1 − p) ÷ the variance of p when sources are the units.

    One source says nothing of unseen ones: it is worth one photo. Without an error (or without anything else)
    the variance says nothing, and each source counts once.
    """
    names, cluster = np.unique(source, return_inverse=True)
    count = len(names)
    if count == 1:
        return 1.0
    share = float(wrong.mean())
    if share in {0.0, 1.0}:
        return float(count)
    photos, errors = np.bincount(cluster), np.bincount(cluster, wrong)
    variance = count / (count - 1) * ((errors - share * photos) ** 2).sum() / len(wrong) ** 2
    worth = share * (1 - share) / variance if variance > 0 else len(wrong)
    return float(np.clip(worth, 1.0, len(wrong)))


def threshold(
    low: Matrix, wrong: npt.NDArray[np.bool_], group: Names, source: Names
) -> tuple[float | None, list[Selective]]:
    """The smallest θ of the grid whose error has an upper limit within the target, or None; and all tries."""
    tried = [selective(theta, low, wrong, group, source) for theta in GRID]
    met = [one.theta for one in tried if one.n and one.upper_limit <= TARGET_ERROR]
    return (min(met) if met else None), tried
