"""Join photos' out-of-source image scores with evidence drawn for their continent."""

from __future__ import annotations

import numpy as np

from training.calibration import temperature
from training.embeddings import Embeddings, Labels, Matrix
from training.evaluate import Folds
from training.fusion.batch import EvidenceBatch, Samples
from training.fusion.facts import evidence
from training.fusion.generators import Generator
from worker.record import NO_EVIDENCE


def image_scores(photos: Embeddings, folds: Folds) -> Matrix:
    """Temperature-scaled logits (photos, heads, labels) by heads that have not seen the photo's source.

    Temperatures are fitted on the photos of other sources that can be judged, as those of the card are. The
    scores of those are of heads that have not seen their own source, and have seen this one:
    `training.evaluation.nested` leaves out both, for the headline of the image alone.
    """
    logits = folds.logits(photos)
    scaled = np.empty_like(logits)
    known = np.zeros(len(photos), dtype=bool)
    known[judged(photos)] = True
    for name in np.unique(photos.source):
        own = photos.source == name
        others = known & ~own
        scaled[own] = logits[own] / temperature(logits[others], photos.label[others])
    return scaled


def judged(photos: Embeddings) -> Labels:
    """Rows of photos whose continent other sources show too.

    Of the others heads without the source know nothing: they score them lowest, as no served head does.
    """
    found = [
        row
        for row, label in enumerate(photos.label)
        if len(np.unique(photos.source[photos.label == label])) > 1
    ]
    return np.array(found, dtype=np.int64)


def join(photos: Embeddings, scores: Matrix, generator: Generator, *, draws: int, seed: int) -> Samples:
    """Each photo with evidence drawn `draws` times, in the order of the photos.

    Args:
        photos: their labels, groups and sources.
        scores: of `image_scores`, for the same photos.
        generator: draws the evidence.
        draws: times a photo.
        seed: the same seed gives the same evidence.
    """
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(photos)), draws)
    drawn = [generator.draw(int(label), rng) for label in photos.label[rows]]
    read = [evidence(one.facts) for one in drawn]
    return Samples(
        logits=scores[rows],
        evidence=EvidenceBatch.of(read),
        label=photos.label[rows],
        photo=rows,
        group=photos.group[rows],
        source=photos.source[rows],
        swapped=np.array([one.swapped for one in drawn]),
        mixed=np.array([one.mixed(each) for one, each in zip(drawn, read, strict=True)]),
    )


def alone(photos: Embeddings, scores: Matrix) -> Samples:
    """Each photo once, without any evidence."""
    count = len(photos)
    nothing = np.zeros(count, dtype=bool)
    return Samples(
        logits=scores,
        evidence=EvidenceBatch.of([NO_EVIDENCE] * count),
        label=photos.label,
        photo=np.arange(count),
        group=photos.group,
        source=photos.source,
        swapped=nothing,
        mixed=nothing,
    )
