"""Baselines know as little as they claim, and as much."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from tests.training.evaluation.invented import embedded
from training.embeddings import Embeddings
from training.evaluation import baselines
from training.evaluation.baselines import BASELINES
from training.evaluation.nested import by_source


@pytest.fixture(scope="module")
def photos() -> Embeddings:
    """Photos of six sources."""
    return embedded(n=120, seed=6)


def test_the_nearest_neighbour_agrees_with_scikit_learn(photos: Embeddings) -> None:
    """The same most similar photo by cosine."""
    known, asked = photos.take(photos.source != "s0"), photos.take(photos.source == "s0")
    other = KNeighborsClassifier(1, metric="cosine").fit(known.x, known.label).predict(asked.x)
    ours = baselines.nearest_neighbour(known, asked.x)
    assert np.array_equal(ours.argmax(axis=1), other)


def test_the_nearest_neighbour_is_as_sure_as_other_sources_make_it() -> None:
    """Twins within a source, and the other source says otherwise: a neighbour is worth nothing."""
    x = np.concatenate([np.tile([1.0, 0.0], (5, 1)), np.tile([1.0, 0.1], (5, 1))])
    label = np.repeat([0, 1], 5)
    known = Embeddings(
        x=x,
        bf16=None,
        label=label,
        group=np.arange(10).astype(str),
        source=np.repeat(["a", "b"], 5),
        backbone_sha256="0" * 64,
    )
    assert baselines.nearest_neighbour(known, x[:1])[0] == pytest.approx(np.full(7, 1 / 7))


def test_majority_and_prior_agree_with_scikit_learn(photos: Embeddings) -> None:
    """The most frequent continent; the frequencies, but for the one photo added to each."""
    other = DummyClassifier(strategy="prior").fit(photos.x, photos.label).predict_proba(photos.x[:1])[0]
    p = baselines.prior(photos, photos.x[:2])
    assert np.allclose(p[0], (other * len(photos) + 1) / (len(photos) + 7))
    assert baselines.majority(photos, photos.x[:1])[0].argmax() == other.argmax()
    assert baselines.majority(photos, photos.x[:1])[0].max() == pytest.approx(other.max())


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_knows_nothing_of_the_photos_that_it_judges(photos: Embeddings, name: str) -> None:
    """Other labels for a source do not change what is said of it, and every row is a distribution."""
    fold = by_source(photos)
    held = photos.source == "s1"
    other = Embeddings(
        x=photos.x,
        bf16=None,
        label=np.where(held, (photos.label + 1) % 7, photos.label),
        group=photos.group,
        source=photos.source,
        backbone_sha256=photos.backbone_sha256,
    )
    before = baselines.judged(photos, fold, BASELINES[name])
    after = baselines.judged(other, fold, BASELINES[name])
    assert np.array_equal(before.p[held], after.p[held])
    assert np.allclose(before.p.sum(axis=1), 1)
    assert (before.p > 0).all()


def test_the_linear_baselines_see_the_continent(photos: Embeddings) -> None:
    """Where embeddings show it, both that look at them are better than the prior."""
    fold = by_source(photos)
    right = {name: baselines.judged(photos, fold, guess).right.mean() for name, guess in BASELINES.items()}
    assert right["log_linear"] > right["prior"] + 0.3
    assert right["nearest_neighbour"] > right["prior"] + 0.3


def test_a_continent_that_was_not_known_keeps_a_chance(photos: Embeddings) -> None:
    """No baseline rules out what it has not seen: its likelihood would be nothing."""
    known = photos.take(photos.label != 4)
    for guess in BASELINES.values():
        p = guess(known, photos.x)
        assert (p[:, 4] > 0).all()
        assert (p.argmax(axis=1) != 4).all()


def test_knowing_the_set_is_its_own_frequencies(photos: Embeddings) -> None:
    """The likelihood of that is the entropy of the labels: nothing that ignores the pixels does better."""
    fold = by_source(photos)
    share = np.bincount(photos.label, minlength=7) / len(photos)
    known = baselines.knowing(baselines.judged(photos, fold, baselines.prior).truth)
    assert -np.log(known.of_truth).mean() == pytest.approx(
        -(share[share > 0] * np.log(share[share > 0])).sum()
    )
