"""Splits: nothing that belongs together is torn, rare continents are served in order, shares are near."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from training.data.split import SHARES, Shares, deal, unserved
from worker.record import SLUGS

FREE = Shares()


def drawn(seed: int, photos: int, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and clusters of uneven sizes, most clusters of one continent; numbered without gaps."""
    generator = np.random.default_rng(seed)
    weight = generator.pareto(1.2, clusters) + 0.2
    cluster = np.unique(generator.choice(clusters, photos, p=weight / weight.sum()), return_inverse=True)[1]
    home = generator.choice(len(SLUGS), cluster.max() + 1, p=[0.2, 0.02, 0.28, 0.3, 0.1, 0.05, 0.05])
    label = np.where(generator.random(photos) < 0.95, home[cluster], generator.integers(0, 7, photos))
    return label.astype(np.int64), cluster.astype(np.int64)


CASES = st.tuples(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 25))


@settings(max_examples=15, deadline=None)
@given(CASES, st.integers(0, 3))
def test_no_cluster_is_torn(case: tuple[int, int, int], seed: int) -> None:
    """Every photo has a split, every cluster one; asked again, it is the same; fixed ones are in train."""
    label, cluster = drawn(*case)
    fixed = np.random.default_rng(seed).random(len(label)) < 0.05
    found = deal(label, cluster, fixed, FREE, seed=seed)
    assert set(found.tolist()) <= {0, 1, 2}
    for one in np.unique(cluster):
        assert len(set(found[cluster == one].tolist())) == 1
    assert not found[fixed].any()
    assert np.array_equal(found, deal(label, cluster, fixed, FREE, seed=seed))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_continents_with_enough_clusters_are_in_every_split(seed: int) -> None:
    """With clusters of one continent each: three of them serve all splits, two train and test, one train."""
    generator = np.random.default_rng(seed)
    times = generator.integers(1, 6, 7)
    home = np.repeat(np.arange(7), times)
    sizes = generator.integers(1, 30, len(home))
    label = np.repeat(home, sizes)
    cluster = np.repeat(np.arange(len(home)), sizes)
    found = deal(label, cluster, np.zeros(len(label), bool), FREE, seed=seed)
    for continent, clusters in enumerate(times):
        served = set(found[label == continent].tolist())
        assert served == [{0}, {0, 2}, {0, 1, 2}][min(int(clusters), 3) - 1]
    expected = {
        (split, continent, int(clusters))
        for continent, clusters in enumerate(times)
        for split in ({1: (1, 2), 2: (1,)}.get(int(clusters), ()))
    }
    assert set(unserved(label, cluster, found, 3)) == expected


def test_single_photos_are_split_to_the_photo() -> None:
    """Where nothing ties photos together, each continent is within one photo of its shares."""
    label = np.repeat(np.arange(7), [200, 20, 180, 160, 40, 33, 27])
    found = deal(label, np.arange(len(label)), np.zeros(len(label), bool), FREE)
    for continent in range(7):
        counts = np.bincount(found[label == continent], minlength=3)
        assert np.abs(counts - np.array(SHARES) * counts.sum()).max() <= 1


def off(label: np.ndarray, cluster: np.ndarray, split: np.ndarray) -> tuple[int, float]:
    """How far splits are from their aim: how often a continent with clusters for all is absent, then χ²."""
    counts, clusters = np.zeros((3, 7)), np.zeros(7)
    np.add.at(counts, (split, label), 1)
    for continent in range(7):
        clusters[continent] = len(np.unique(cluster[label == continent]))
    target = np.outer(SHARES, counts.sum(axis=0))
    absent = ((counts == 0) & (clusters >= 3)).sum()
    return int(absent), float(((counts - target) ** 2 / np.maximum(target, 1)).sum())


@pytest.mark.parametrize("seed", range(4))
def test_shares_are_nearer_than_those_of_scikit_learn(seed: int) -> None:
    """Twenty folds of StratifiedGroupKFold, dealt 14/3/3, are the independent yardstick."""
    label, cluster = drawn(seed, 370, 160)
    folds = StratifiedGroupKFold(n_splits=20, shuffle=True, random_state=seed)
    theirs = np.zeros(len(label), dtype=np.int64)
    with warnings.catch_warnings():
        # It says that a rare continent cannot be in all of twenty folds, which is so.
        warnings.simplefilter("ignore")
        for number, (_, test) in enumerate(folds.split(label, label, cluster)):
            theirs[test] = 0 if number < 14 else 1 + (number >= 17)
    ours = deal(label, cluster, np.zeros(len(label), bool), FREE, seed=seed)
    assert off(label, cluster, ours) < off(label, cluster, theirs)


def test_no_photos_have_no_splits() -> None:
    """An empty data set is no special case."""
    none = np.empty(0, dtype=np.int64)
    assert deal(none, none, none.astype(bool), FREE).tolist() == []
