"""Whether the pixels contradict the metadata, or the metadata themselves."""

from __future__ import annotations

import numpy as np

from worker.finish.probability import Vector, softmax
from worker.finish.recipe import Recipe
from worker.record import SLUGS, Conflict, Evidence

LABELS = len(SLUGS)


def conflict(p: Vector, evidence: Evidence, recipe: Recipe) -> Conflict:
    """Compare the image's probabilities p, shape (labels,), with the evidence, and the evidence with itself.

    Metadata against metadata is the evidence's own `disagreement`. A kind without a threshold in the card has
    a score and never raises the flag.
    """
    pixels = pixels_against_metadata(p, evidence)
    flag = _above(pixels, recipe.pixels_conflict) or _above(evidence.disagreement, recipe.metadata_conflict)
    return Conflict(flag=flag, pixels=pixels, metadata=evidence.disagreement)


def _above(score: float, threshold: float | None) -> bool:
    """Whether a score raises the flag: never where the card has no threshold for it."""
    return threshold is not None and score > threshold


def pixels_against_metadata(p: Vector, evidence: Evidence) -> float:
    """How probable it is that picture and metadata show different continents, 0–1; 0 without metadata.

    With r the streams' joint posterior, each stream right with the probability of its quality, and the
    agreement a = Σ p·r, the odds of different continents, arbitrary, against the same are ((1 − a)/6)/a.

    >>> from worker.record import NO_EVIDENCE
    >>> pixels_against_metadata(np.full(7, 1 / 7), NO_EVIDENCE)
    0.0
    """
    if not evidence.streams:
        return 0.0
    streams = evidence.streams.values()
    likelihood = np.array([each.likelihood for each in streams])
    quality = np.array([[each.quality] for each in streams])
    joint = softmax(np.log1p(quality * (LABELS * likelihood - 1)).sum(axis=0))
    agreement = float(p @ joint)
    apart = (1 - agreement) / (LABELS - 1)
    return apart / (apart + agreement)
