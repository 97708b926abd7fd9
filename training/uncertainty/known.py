"""A world whose posterior is known, so that an interval can be held against the very thing it is about.

Image logits are those of an equal-variance Gaussian classifier, hence calibrated. A stream names a continent:
with its trust it is drawn from a table around the true one, else from anywhere. Its trust is RELIABILITY_k ·
quality², which a model has to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import KINDS, LABELS, EvidenceBatch, Samples
from worker.finish.probability import softmax

RELIABILITY: Final = (0.95, 0.3, 0.2, 0.8, 0.5, 0.9, 0.98)
PRESENT: Final = 0.35
NAMED: Final = 0.95
"""How probable it is that a stream that is right names the true continent; each other one is as likely."""

SHARPNESS: Final = 1.1
"""The image's standard deviation; its top-1 is about 0.45."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Samples and the true posterior of each, shape (n, labels)."""

    samples: Samples
    posterior: Matrix


def draw(n: int, *, seed: int, heads: int = 1) -> Known:
    """Draw n photos, each a group and a source of its own; the heads agree."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, LABELS, n)
    image = SHARPNESS * rng.normal(size=(n, LABELS))
    image[np.arange(n), label] += SHARPNESS**2
    present = (rng.random((n, KINDS)) < PRESENT).astype(np.float64)
    quality = rng.uniform(0.3, 1.0, (n, KINDS)) * present
    trust = np.array(RELIABILITY) * quality**2
    right = rng.random((n, KINDS)) < trust * NAMED
    around = trust * (1 - NAMED) / (LABELS - 1)
    missed = rng.random((n, KINDS)) < around * (LABELS - 1) / np.maximum(1 - trust * NAMED, 1e-12)
    elsewhere = (label[:, None] + rng.integers(1, LABELS, (n, KINDS))) % LABELS
    named = np.where(right, label[:, None], np.where(missed, elsewhere, rng.integers(0, LABELS, (n, KINDS))))
    likelihood = np.where(np.arange(LABELS) == named[..., None], NAMED, (1 - NAMED) / (LABELS - 1))
    support = np.log(LABELS * likelihood) * present[..., None]
    own = np.arange(n).astype(str)
    nothing = np.zeros(n, dtype=bool)
    samples = Samples(
        logits=np.repeat(image[:, None], heads, axis=1),
        evidence=EvidenceBatch(present=present, quality=quality, support=support),
        label=label,
        photo=np.arange(n),
        group=own,
        source=own,
        swapped=nothing,
        mixed=nothing,
    )
    hedged = np.log1p(trust[..., None] * (np.exp(support) - 1))
    return Known(samples=samples, posterior=softmax(image + hedged.sum(axis=1)))
