"""Intervals by whole clusters, and paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.training.evaluation.invented import drawn, truth_of
from training.evaluation import resampling
from training.evaluation.answers import Answers, Truth
from training.evaluation.resampling import Figure, difference, draws, figure
from training.evaluation.scores import SCORES


def test_draws_are_resamples_of_whole_clusters() -> None:
    """Photos of one cluster weigh the same in every draw, and a draw has as many clusters as there are."""
    cluster = np.array(["a", "b", "a", "c", "c", "c"])
    weights = np.concatenate(list(draws(cluster, count=50)))
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 5


def test_many_photos_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand photos must not take gigabytes: as many draws at a time as fit, all in the end."""
    monkeypatch.setattr(resampling, "_CELLS", 40)
    blocks = list(draws(np.array(list("abcdefghij")), count=11))
    assert [len(block) for block in blocks] == [4, 4, 3]


def test_an_interval_agrees_with_scipy() -> None:
    """Where every photo is its own cluster it is the ordinary percentile bootstrap."""
    answers = drawn(200, seed=1)
    own = np.arange(200).astype(str)
    ours = figure(SCORES["top1"], answers, own)
    other = stats.bootstrap(
        (answers.right.astype(float),), np.mean, method="percentile", n_resamples=5000, rng=1
    ).confidence_interval
    assert ours.value == answers.right.mean()
    assert (ours.low, ours.high) == pytest.approx((other.low, other.high), abs=0.012)


def test_photos_that_stand_or_fall_together_widen_the_interval() -> None:
    """The same share right, spread over photos or over whole groups of ten."""
    right = np.repeat([1, 0], 50)
    p = np.tile([0.4, *[0.1] * 6], (100, 1))
    label = np.where(right, 0, 1)
    alone = Answers.plain(truth_of(label, photos_a_group=1), p)
    together = Answers.plain(truth_of(label, photos_a_group=10), p)
    narrow, wide = (figure(SCORES["top1"], each, each.truth.group) for each in (alone, together))
    assert narrow.low is not None
    assert wide.low is not None
    assert narrow.value == wide.value == 0.5
    assert narrow.low == pytest.approx(0.4, abs=0.02)
    assert wide.low < 0.25


def test_few_clusters_have_no_interval() -> None:
    """Four groups do not tell how far groups spread; a width would be an invention."""
    answers = drawn(8)
    assert answers.truth.groups == 4
    found = figure(SCORES["top1"], answers, answers.truth.group)
    assert found.value is not None
    assert (found.low, found.high) == (None, None)
    assert found.document() == {"value": found.value, "low": None, "high": None}


def test_what_has_no_value_has_no_interval() -> None:
    """A classifier without sets has no coverage, in JSON null and not NaN."""
    answers = drawn(40)
    plain = Answers.plain(answers.truth, answers.p)
    assert figure(SCORES["coverage"], plain, plain.truth.group).document() == {
        "value": None,
        "low": None,
        "high": None,
    }


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    """Two classifiers that agree on most photos differ by little, however uncertain each is."""
    one = drawn(300, seed=2)
    other = Answers.plain(one.truth, np.concatenate([one.p[:270], np.roll(one.p[270:], 1, axis=1)]))
    gap = difference(SCORES["top1"], one, other, one.truth.group)
    single = figure(SCORES["top1"], one, one.truth.group)
    assert gap.low is not None
    assert gap.high is not None
    assert single.low is not None
    assert single.high is not None
    assert gap.value == pytest.approx(one.right.mean() - other.right.mean())
    assert gap.high - gap.low < 0.7 * (single.high - single.low)


def test_a_difference_of_a_classifier_with_itself_is_nothing() -> None:
    """Exactly zero in every draw, and then n cannot tell."""
    one = drawn(60)
    assert difference(SCORES["nll"], one, one, one.truth.source) == Figure(value=0.0, low=0.0, high=0.0)
    assert Figure(value=0.0, low=0.0, high=0.0).verdict == "n cannot tell"


def test_other_photos_cannot_be_paired() -> None:
    """A difference over different photos would be no difference of classifiers."""
    one, other = drawn(60, seed=1), drawn(60, seed=2)
    with pytest.raises(ValueError, match="same photos"):
        difference(SCORES["top1"], one, other, one.truth.group)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    """Forty groups of three photos, fifty times: 95% intervals hold the truth in about 46 of them."""
    held = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        share = rng.beta(6, 4, 40)
        right = rng.random((40, 3)) < share[:, None]
        label = np.where(right.ravel(), 0, 1)
        truth = Truth(label=label, group=np.repeat(np.arange(40), 3).astype(str), source=np.repeat("s", 120))
        answers = Answers.plain(truth, np.tile([0.4, *[0.1] * 6], (120, 1)))
        found = figure(SCORES["top1"], answers, truth.group)
        held += bool(found.low is not None and found.high is not None and found.low <= 0.6 <= found.high)
    assert 42 <= held <= 50
