"""Heads and their ONNX file."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from training import check, heads
from training.embeddings import Embeddings
from training.engines.reference import onnx_logits
from training.fusion import graph
from training.heads import Recipe
from training.places import HEADS


def few(committed: Embeddings, n: int = 60) -> Embeddings:
    """A few photos of all kinds."""
    return committed.take(np.random.default_rng(0).permutation(len(committed))[:n])


def test_the_committed_file_is_what_a_refit_gives(committed: Embeddings) -> None:
    """`make train` reproduces the committed heads within the tolerance that the check states."""
    assert check.refit_gap(HEADS.read_bytes(), committed, Recipe()) <= check.REFIT_TOLERANCE


def test_the_file_computes_what_the_heads_say(committed: Embeddings) -> None:
    """ONNX Runtime and numpy agree, and the same heads give the same bytes."""
    fitted = heads.fit(few(committed), Recipe(heads=2))
    file = graph.write(fitted)
    served = onnx_logits(file, committed.x.astype(np.float32))
    assert served.shape == (len(committed), 2, 7)
    assert np.abs(served - fitted.logits(committed.x)).max() < 1e-4
    assert graph.write(fitted) == file


def test_fitting_in_the_span_is_fitting_in_full(committed: Embeddings) -> None:
    """The decomposition and the folding change nothing: a plain fit on all features agrees."""
    photos = few(committed)
    drawn = heads.resample(photos.group, np.random.default_rng((heads.SEED, 0)))
    x, label = photos.x[drawn], photos.label[drawn]
    mean, scale = x.mean(axis=0), np.sqrt((x**2).sum(axis=1).mean())
    plain = LogisticRegression(C=3.0, tol=1e-10, solver="newton-cg", max_iter=500)
    plain.fit((x - mean) / scale, label, sample_weight=heads.balance(label, photos.source[drawn]))
    ours = heads.fit(photos, Recipe(heads=1)).logits(photos.x)[:, 0][:, plain.classes_]
    assert np.abs(ours - plain.decision_function((photos.x - mean) / scale)).max() < 1e-4


def test_a_resample_draws_whole_groups(committed: Embeddings) -> None:
    """No group is split: each of its photos is drawn as often as the others."""
    rows = heads.resample(committed.group, np.random.default_rng(4))
    times = np.bincount(rows, minlength=len(committed))
    for name in np.unique(committed.group):
        assert len(set(times[committed.group == name].tolist())) == 1


def test_weights_balance_continents_and_sources_within(committed: Embeddings) -> None:
    """Every continent weighs the same in all, and within it every source."""
    weight = heads.balance(committed.label, committed.source)
    assert weight.mean() == pytest.approx(1)
    totals = np.bincount(committed.label, weight)
    assert totals == pytest.approx(np.full(7, totals[0]))
    asia = committed.label == 2
    by_source = [
        weight[asia & (committed.source == name)].sum() for name in np.unique(committed.source[asia])
    ]
    assert by_source == pytest.approx([by_source[0]] * len(by_source))


@pytest.mark.parametrize("labels", [(2, 3), (0, 2, 3)])
def test_a_continent_without_photos_is_never_likely(committed: Embeddings, labels: tuple[int, ...]) -> None:
    """Fitting on two or three continents still gives seven logits, the unseen ones below the seen."""
    photos = committed.take(np.isin(committed.label, labels))
    logits = heads.fit(photos, Recipe(heads=1)).logits(photos.x)[:, 0]
    assert logits.shape == (len(photos), 7)
    assert set(logits.argmax(axis=1).tolist()) <= set(labels)
    assert (logits.argmax(axis=1) == photos.label).mean() > 0.7


def test_heads_differ_by_their_resamples(committed: Embeddings) -> None:
    """Five heads, five opinions: the interval has something to show."""
    logits = heads.fit(few(committed), Recipe()).logits(committed.x)
    assert logits.std(axis=1).min() > 0
