"""What a gate looks at besides a stream's quality: how far it fits the image and the other streams.

The query of the attention is the image's posterior and that of the other streams; the key is the stream's own
likelihood; they meet in a log Bayes factor, log Σ_c q_c · 7·L_c: 0 where the stream is as likely as it would
be of any continent, negative where it contradicts.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import KINDS, LABELS, EvidenceBatch
from worker.finish.probability import softmax

FEATURES: Final = 6 + KINDS
"""Peak, fit to image and to others, the image's and the others' confidence, how many others; which ones."""

SCALE: Final = float(np.log(LABELS))


def context(image: Matrix, evidence: EvidenceBatch) -> Matrix:
    """The features of every stream, shape (n, streams, FEATURES), about −5 to 1 each; 0 where absent.

    Args:
        image: the image's temperature-scaled mean logits, shape (n, labels).
        evidence: the streams of the same photos.
    """
    present, support = evidence.present, evidence.support
    p = softmax(image)
    likelihood = np.exp(support)
    fit_image = np.log(np.einsum("nc,nkc->nk", p, likelihood))
    others = others_posterior(evidence)
    fit_others = np.log(np.einsum("nkc,nkc->nk", others, likelihood))
    beside = present[:, None, :] * (1 - np.eye(KINDS))
    columns = [
        support.max(axis=2) / SCALE,
        fit_image / SCALE,
        fit_others / SCALE,
        np.broadcast_to(p.max(axis=1)[:, None], present.shape),
        others.max(axis=2),
        beside.sum(axis=2) / (KINDS - 1),
    ]
    features = np.concatenate([np.stack(columns, axis=2), beside], axis=2)
    return np.asarray(features * present[..., None])


def others_posterior(evidence: EvidenceBatch) -> Matrix:
    """What all streams but one say together, for every stream: (n, streams, labels), sums to 1.

    Each is believed with the probability of its quality; even where no other stream is present.
    """
    hedged = log_hedged(evidence)
    return softmax(hedged.sum(axis=1, keepdims=True) - hedged)


def log_hedged(evidence: EvidenceBatch) -> Matrix:
    """log(7·(q·L + (1 − q)/7)), shape (n, streams, labels): right with probability q, else saying nothing."""
    return np.asarray(np.log1p(evidence.quality[..., None] * (np.exp(evidence.support) - 1)))
