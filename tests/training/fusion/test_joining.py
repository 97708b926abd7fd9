"""Photos joined with drawn evidence."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration import temperature
from training.embeddings import Embeddings
from training.evaluate import Folds
from training.fusion import world
from training.fusion.generators import Census
from training.fusion.joining import alone, image_scores, join, judged
from training.heads import Heads
from worker.record import SLUGS


def test_scores_know_nothing_of_the_photos_source(committed: Embeddings) -> None:
    """A source's logits are divided by the temperature of others that can be judged; its heads lack it."""
    # Heads that know only how frequent continents are, twice too surely: their temperature is about 2, and
    # another one for other photos.
    prior = 2 * np.log(np.bincount(committed.label, minlength=7))
    heads = Heads(weight=np.zeros((2, 7, 1280)), bias=np.stack([prior, prior]))
    folds = Folds(without={str(name): heads for name in np.unique(committed.source)})
    before, logits = image_scores(committed, folds), folds.logits(committed)
    own = committed.source == "openstax"
    factor = logits[own] / before[own]
    known = np.isin(np.arange(len(committed)), judged(committed)) & ~own
    without = temperature(logits[known], committed.label[known])
    assert abs(without - temperature(logits, committed.label)) > 0.02
    assert factor == pytest.approx(np.full_like(factor, without))


def test_continents_of_a_single_source_are_not_judged(committed: Embeddings) -> None:
    """Antarctica's photos have one source: without it there was nothing to learn from."""
    rows = judged(committed)
    left = set(range(len(committed))) - set(rows.tolist())
    assert {SLUGS[int(committed.label[row])] for row in left} == {"antarctica"}
    assert len(rows) == len(committed) - int((committed.label == SLUGS.index("antarctica")).sum())


def test_every_photo_is_joined_as_often_as_asked(committed: Embeddings) -> None:
    """Draws stand together, with the photo's own label, group, source and scores; a seed repeats them."""
    photos = committed.take(np.arange(12))
    scores = np.random.default_rng(0).normal(size=(12, 5, 7))
    made = join(photos, scores, Census(world.load()), draws=3, seed=4)
    assert made.photo.tolist() == [number // 3 for number in range(36)]
    assert (made.label == photos.label[made.photo]).all()
    assert (made.source == photos.source[made.photo]).all()
    assert (made.logits == scores[made.photo]).all()
    assert made.evidence.present.any()
    again, other = (join(photos, scores, Census(world.load()), draws=3, seed=seed) for seed in (4, 5))
    assert (made.evidence.vectors() == again.evidence.vectors()).all()
    assert (made.evidence.vectors() != other.evidence.vectors()).any()


def test_alone_is_without_evidence(committed: Embeddings) -> None:
    """A photo by its image only."""
    photos = committed.take(np.arange(5))
    made = alone(photos, np.zeros((5, 5, 7)))
    assert len(made) == 5
    assert not made.evidence.vectors().any()
