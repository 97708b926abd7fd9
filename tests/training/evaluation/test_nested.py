"""Nothing that judges a photo has seen it: not the heads, not the temperature, not the quantile."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.training.evaluation.invented import embedded, silent, simple
from training.embeddings import Embeddings, Matrix
from training.evaluation.baselines import log_linear, nearest_neighbour
from training.evaluation.nested import (
    Predict,
    by_group,
    by_source,
    in_their_span,
    learned,
    linear_heads,
    nested,
)
from training.heads import Recipe
from worker.errors import Refuse


def numbered(photos: Embeddings) -> Embeddings:
    """The same photos, their row in the first feature."""
    return replace(photos, x=np.column_stack([np.arange(len(photos)), photos.x]))


def test_no_model_judges_what_it_was_fitted_on() -> None:
    """Predictions are for folds that the model lacks, and every fold gets one by all the others."""
    photos = numbered(embedded())
    fold = by_source(photos)
    asked: list[tuple[frozenset[int], frozenset[int]]] = []

    def spy(known: Embeddings) -> Predict:
        folds = frozenset(fold[known.x[:, 0].astype(int)].tolist())

        def predict(x: Matrix) -> Matrix:
            asked.append((folds, frozenset(fold[x[:, 0].astype(int)].tolist())))
            return np.zeros((len(x), 2, 7))

        return predict

    nested(photos, fold, spy, meter=silent)
    assert all(not known & judged for known, judged in asked)
    count = len(np.unique(fold))
    assert len({known for known, _ in asked}) == count * (count + 1) // 2
    for number in range(count):
        assert (frozenset(range(count)) - {number}, frozenset({number})) in asked


def test_calibration_has_not_seen_the_photos_that_it_is_judged_on() -> None:
    """Other labels for one source change nothing of what was fitted for that source."""
    photos = embedded(seed=1)
    fold = by_source(photos)
    held = fold == 2
    other = photos.label.copy()
    other[held] = (other[held] + 3) % 7
    before = nested(photos, fold, simple, meter=silent)
    after = nested(replace(photos, label=other), fold, simple, meter=silent)
    assert before.finishings[2] == after.finishings[2]
    assert before.finishings[0] != after.finishings[0]
    assert np.array_equal(before.logits[held], after.logits[held])


def test_what_could_not_be_learned_does_not_calibrate() -> None:
    """A continent of one source is judged, and calibrates as if its photos were not there."""
    photos = embedded(seed=2)
    fold = by_source(photos)
    label = np.where(photos.label == 1, 0, photos.label)
    lone = np.flatnonzero(fold == 3)[:6]
    label[lone] = 1
    photos = replace(photos, label=label)

    def whatever(_known: Embeddings) -> Predict:
        return lambda x: np.stack([x[:, :7], x[:, :7] * 1.2], axis=1)

    found = nested(photos, fold, whatever, meter=silent)
    kept = np.setdiff1d(np.arange(len(photos)), lone)
    without = nested(photos.take(kept), fold[kept], whatever, meter=silent)
    assert found.finishings == without.finishings
    assert len(found.answers()) == len(photos)


def test_continents_of_one_source_each_are_refused() -> None:
    """Nothing is left to calibrate on where no continent is shown by two sources."""
    with pytest.raises(Refuse, match="no continent is shown by two sources"):
        learned(np.array([0, 0, 1, 2]), np.array(["a", "a", "b", "b"]))


def test_temperature_makes_probabilities_truer() -> None:
    """Heads that are far too sure: calibrated on other sources, the likelihood is better on unseen ones."""
    photos = embedded(n=240, seed=3, noise=1.6)

    def cocky(known: Embeddings) -> Predict:
        predict = simple(known)
        return lambda x: 6 * predict(x)

    found = nested(photos, by_source(photos), cocky, meter=silent)
    raw, calibrated = found.answers(calibrated=False), found.answers()
    assert -np.log(calibrated.of_truth).mean() < -np.log(raw.of_truth).mean() - 0.2
    assert np.array_equal(raw.right, calibrated.right)
    assert all(each.temperature > 2 for each in found.finishings)


def test_answers_are_the_workers() -> None:
    """Sets hold the most probable continent, sureness is its lower bound, what reaches θ is called."""
    photos = embedded(seed=4, n=240, noise=0.2)
    found = nested(photos, by_source(photos), simple, meter=silent)
    answers = found.answers()
    assert answers.sets is not None
    assert answers.called is not None
    assert answers.sets[np.arange(len(answers)), answers.p.argmax(axis=1)].all()
    assert (answers.sureness <= answers.confidence).all()
    for number, each in enumerate(found.finishings):
        own = found.fold == number
        expected = answers.sureness[own] >= each.theta if each.theta is not None else np.zeros(own.sum())
        assert np.array_equal(answers.called[own], expected)


def test_groups_stay_whole_in_domain() -> None:
    """No group is on both sides, every photo has a fold, and sources are."""
    photos = embedded()
    fold = by_group(photos)
    for group in np.unique(photos.group):
        assert len(np.unique(fold[photos.group == group])) == 1
    assert all(len(np.unique(fold[photos.source == source])) > 1 for source in np.unique(photos.source))


@pytest.mark.filterwarnings("error")
def test_few_photos_are_left_out_in_fewer_folds() -> None:
    """No more folds than the commonest continent has photos, or than there are groups; one is none."""
    small = embedded(n=29, seed=8)
    small = replace(small, label=np.arange(29) % 7, group=np.array([f"g{row}" for row in range(29)]))
    assert len(np.unique(by_group(small))) == 5
    two = replace(small, group=np.array([f"g{row % 2}" for row in range(29)]))
    assert len(np.unique(by_group(two))) == 2
    assert len(np.unique(by_group(replace(small, group=np.array(["g"] * 29))))) == 1
    assert len(np.unique(by_group(small.take(np.arange(7))))) == 1


def test_fewer_features_change_no_linear_fit() -> None:
    """Photos of more features than photos: what heads, neighbours and a regression say of them stays."""
    wide = embedded(n=40, seed=6, width=90, noise=0.4)
    narrow = in_their_span(wide)
    assert narrow.x.shape == (40, 40)
    rows = np.arange(40) < 28
    for how in (linear_heads(Recipe(heads=2)), lambda known: partial(log_linear, known)):
        before = how(wide.take(rows))(wide.x[~rows])
        after = how(narrow.take(rows))(narrow.x[~rows])
        assert np.allclose(before, after, atol=2e-3)
    one, other = (nearest_neighbour(each.take(rows), each.x[~rows]) for each in (wide, narrow))
    assert np.allclose(one, other)


def test_two_sources_are_too_few() -> None:
    """One judged, one to calibrate on: none would be left to fit on."""
    photos = embedded(n=40)
    assert len(np.unique(photos.source)) == 2
    with pytest.raises(Refuse, match="three sources"):
        nested(photos, by_source(photos), simple, meter=silent)


def test_the_heads_that_ship_can_be_nested() -> None:
    """The real recipe on a few photos: logits of the right shape, finite, better than chance."""
    photos = embedded(n=80, seed=5, noise=0.3)
    found = nested(photos, by_source(photos), linear_heads(Recipe(heads=2)), meter=silent)
    assert found.logits.shape == (80, 2, 7)
    assert np.isfinite(found.logits).all()
    assert found.answers().right.mean() > 0.3
