"""Scores, against hand-worked values, scikit-learn, and the law that a weight is a repetition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from tests.training.evaluation.invented import drawn, truth_of
from training.evaluation.answers import Answers, Truth
from training.evaluation.scores import SCORES, bin_of, f1, recall, value

EVERY = range(7)


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Three hundred photos of all continents."""
    return drawn(300, seed=4, spread=1.5)


def test_the_names_are_those_of_the_document() -> None:
    """`--json` promises these, in this order."""
    assert list(SCORES) == [
        "top1",
        "top3",
        "macro_recall",
        "macro_f1",
        "ece",
        "brier",
        "nll",
        "coverage",
        "mean_set_size",
        "abstained",
        "risk_at_coverage",
    ]


def test_scores_agree_with_scikit_learn(answers: Answers) -> None:
    """Seven scores by an independent library."""
    label, p = answers.truth.label, answers.p
    called = p.argmax(axis=1)
    other = {
        "top1": theirs.accuracy_score(label, called),
        "top3": theirs.top_k_accuracy_score(label, p, k=3, labels=EVERY),
        "macro_recall": theirs.recall_score(label, called, average="macro"),
        "macro_f1": theirs.f1_score(label, called, average="macro"),
        "nll": theirs.log_loss(label, p, labels=EVERY),
        "brier": theirs.brier_score_loss(label, p, labels=EVERY, scale_by_half=False),
    }
    assert {name: value(SCORES[name], answers) for name in other} == pytest.approx(other, abs=1e-12)


def test_ece_by_hand() -> None:
    """Four photos in four bins: the mean of |right − confidence|; the rest of the probability lies apart."""
    p = np.zeros((4, 7))
    p[np.arange(4), [0, 1, 2, 0]] = [0.7, 0.5, 0.4, 0.9]
    p[:, 6] = 1 - p.sum(axis=1)
    p[2, 5], p[2, 6] = 0.3, 0.3
    hand = Answers.plain(truth_of(np.array([0, 0, 2, 1])), p)
    assert hand.right.tolist() == [True, False, True, False]
    assert value(SCORES["ece"], hand) == pytest.approx(np.mean([0.3, 0.5, 0.6, 0.9]))


def test_bins_are_open_below_and_closed_above() -> None:
    """A confidence on an edge belongs to the bin that it closes, unlike the common [lo, hi)."""
    edges = np.arange(1, 16) / 15
    assert bin_of(edges).tolist() == list(range(15))
    assert bin_of(np.nextafter(edges[:-1], 1)).tolist() == list(range(1, 15))


@given(
    seed=st.integers(0, 10_000),
    times=st.lists(st.integers(0, 4), min_size=12, max_size=12).filter(any),
    ties=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_weight_is_a_repetition(seed: int, times: list[int], *, ties: bool) -> None:
    """A score with whole weights is the score of the photos repeated so often: what a resample is."""
    one = drawn(12, seed=seed)
    if ties:
        one = Answers(
            truth=one.truth, p=one.p, sureness=np.round(one.sureness, 1), sets=one.sets, called=one.called
        )
    repeated = one.take(np.repeat(np.arange(12), times))
    weights = np.array([times], dtype=np.float64)
    for name, score in SCORES.items():
        if name.startswith("macro"):
            continue  # which continents are judged is decided by all photos, not by a resample
        assert float(score(one, weights)[0]) == pytest.approx(value(score, repeated), nan_ok=True), name
    for label in EVERY:
        for each in (recall, f1):
            got = float(each(one, weights, label=label)[0])
            ones = np.ones((1, len(repeated)))
            assert got == pytest.approx(float(each(repeated, ones, label=label)[0]), nan_ok=True)


def test_macro_scores_leave_out_what_one_source_shows() -> None:
    """Africa, of two sources, is always found; Asia, of one, never: the mean is Africa's."""
    truth = Truth(
        label=np.array([0, 0, 2, 2]),
        group=np.array(["1", "2", "3", "4"]),
        source=np.array(["a", "b", "b", "b"]),
    )
    p = np.tile([0.4, *[0.1] * 6], (4, 1))
    assert truth.judged == (0,)
    assert truth.apart == (2,)
    assert value(SCORES["macro_recall"], Answers.plain(truth, p)) == 1.0


def test_no_macro_score_where_no_continent_has_two_sources() -> None:
    """Then there is nothing to average, and the score says so."""
    own = np.array(["a", "b"])
    truth = Truth(label=np.array([0, 2]), group=own, source=own)
    assert np.isnan(value(SCORES["macro_recall"], Answers.plain(truth, np.full((2, 7), 1 / 7))))


def test_one_source_is_judged_by_itself() -> None:
    """A folder that names no sources still has its macro scores, over all continents that it shows."""
    one = np.array(["a", "a"])
    assert Truth(label=np.array([0, 2]), group=one, source=one).judged == (0, 2)


def test_risk_does_not_depend_on_the_order_of_equals() -> None:
    """A model that is equally sure of everything has the risk of all photos at every share."""
    p = np.tile([0.4, *[0.1] * 6], (10, 1))
    label = np.array([0] * 3 + [1] * 7)
    for order in (slice(None), slice(None, None, -1)):
        assert value(SCORES["risk_at_coverage"], Answers.plain(truth_of(label[order]), p)) == pytest.approx(
            0.7
        )


def test_what_a_classifier_does_not_have_is_not_scored() -> None:
    """No sets, no coverage: not 0 and not 1."""
    plain = Answers.plain(truth_of(np.array([0])), np.full((1, 7), 1 / 7))
    assert all(np.isnan(value(SCORES[name], plain)) for name in ("coverage", "mean_set_size", "abstained"))


def test_answers_of_another_shape_are_refused() -> None:
    """Six labels for seven continents is a mistake of the caller's."""
    with pytest.raises(ValueError, match="need probabilities"):
        Answers.plain(truth_of(np.array([0])), np.full((1, 6), 1 / 6))
