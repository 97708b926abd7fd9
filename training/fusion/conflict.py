"""Conflicts of the pixels with the metadata and of the metadata with itself, and how well a score tells them.

Both scores compare likelihoods: of evidence about one continent, and of evidence a part of which is about
another, arbitrary one. A stream is believed with the probability of its quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import LABELS, EvidenceBatch, Flags
from training.fusion.context import log_hedged
from worker.finish.probability import softmax
from worker.record import CLAIMS, STREAMS

FALSE_ALARMS: Final = 0.02


def metadata_posterior(evidence: EvidenceBatch) -> Matrix:
    """What the streams say together without the image, shape (n, labels), sums to 1; even without any."""
    return softmax(log_hedged(evidence).sum(axis=1))


def pixels_against_metadata(p: Matrix, evidence: EvidenceBatch) -> Matrix:
    """How probable it is that picture and metadata show different continents: (n,), 0–1; 0 without metadata.

    With agreement a = Σ p·r the ratio is ((1 − a)/6)/a: different continents, arbitrary, against the same.

    Args:
        p: the image's calibrated probabilities, shape (n, labels).
        evidence: the streams of the same photos.
    """
    agreement = (p * metadata_posterior(evidence)).sum(axis=1)
    apart = (1 - agreement) / (LABELS - 1)
    return np.asarray(np.where(evidence.present.any(axis=1), apart / (apart + agreement), 0.0))


def metadata_against_metadata(evidence: EvidenceBatch, names: Sequence[str] = CLAIMS) -> Matrix:
    """How much better one wrong stream explains those of `names` than none, (n,), 0–1; 0 with fewer than two.

    The worker's `disagreement`, max(0, 1 − S/A), which is of the streams that claim a place.
    """
    claims = [STREAMS.index(name) for name in names]
    present = evidence.present[:, claims]
    ratio = np.exp(log_hedged(evidence)[:, claims])
    everyone = ratio.prod(axis=1)
    but_one = ((everyone[:, None] / ratio).mean(axis=2) * present).sum(axis=1)
    count = present.sum(axis=1)
    # With no claim present the mean of none is arbitrary, and unused.
    explained = everyone.mean(axis=1) * np.maximum(count, 1) / np.where(count > 0, but_one, 1.0)
    return np.asarray(np.where(count > 1, np.maximum(0.0, 1 - explained), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Roc:
    """Receiver operating characteristic: at each threshold, highest first, shares of false alarms and hits.

    An alarm is a score above the threshold; the curve starts at (0, 0) with an infinite one.
    """

    threshold: Matrix
    alarms: Matrix
    hits: Matrix

    @property
    def area(self) -> float:
        """The area under the curve: the chance that a conflict scores above what is none, ties half."""
        return float(np.trapezoid(self.hits, self.alarms))

    def operating_point(self, *, alarms: float = FALSE_ALARMS) -> tuple[float, float]:
        """The lowest threshold with at most so many false alarms, and its share of hits.

        >>> curve = roc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, False, True, False]))
        >>> curve.operating_point(alarms=0.0)
        (0.8, 0.5)
        """
        at = int(np.flatnonzero(self.alarms <= alarms)[-1])
        return float(self.threshold[at]), float(self.hits[at])


def roc(score: Matrix, conflict: Flags) -> Roc:
    """The curve of a score, with a point at every distinct value; needs both kinds (Fawcett, 2006).

    Raises:
        ValueError: all photos are of one kind.
    """
    if conflict.all() or not conflict.any():
        raise ValueError("a curve needs photos with a conflict and photos without one")
    order = np.argsort(-score, kind="stable")
    ranked, found = score[order], conflict[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    # An alarm is above the threshold, so that the threshold that lets these in is the next lower value.
    below = np.append(ranked[last[1:]], -np.inf)
    return Roc(
        threshold=np.concatenate([ranked[:1], below]),
        alarms=np.concatenate([[0.0], np.cumsum(~found)[last] / np.count_nonzero(~conflict)]),
        hits=np.concatenate([[0.0], np.cumsum(found)[last] / np.count_nonzero(conflict)]),
    )


def ceiling(p: Matrix, *, alarms: float = FALSE_ALARMS) -> float:
    """The most swapped continents that any test can detect with these image posteriors.

    If p is calibrated and the metadata names its continent for certain, the most powerful test (Neyman and
    Pearson, 1933) alarms where p of the named one is low. Named is the true continent, with probability p_c,
    or a wrong one, with (1 − p_c)/6; both shares are sums over all photos and continents, so nothing is
    drawn. Between two values the test alarms by chance.

    Args:
        p: image posteriors, shape (n, labels).
        alarms: the share of false alarms allowed.

    >>> round(ceiling(np.full((3, 7), 1 / 7)), 6)  # an image that says nothing
    0.02
    """
    value, times = np.unique(p, return_counts=True)
    false = np.concatenate([[0.0], np.cumsum(value * times)]) / len(p)
    hits = np.concatenate([[0.0], np.cumsum((1 - value) / (LABELS - 1) * times)]) / len(p)
    return float(np.interp(alarms, false, hits))
