"""Early stopping on accuracy and calibration: what is kept, and when it ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.finetune.stopping import LEAST, Score, Stopping

SCORES = st.builds(
    Score,
    accuracy=st.integers(0, 20).map(lambda right: right / 20),
    nll=st.floats(0.1, 3.0, allow_nan=False),
)


def through(scores: list[Score], *, patience: int = 3, not_before: int = 0) -> list[Stopping]:
    """The states after each of these epochs, the first being epoch 0."""
    states = [Stopping.begin(scores[0], patience=patience, not_before=not_before)]
    for score in scores[1:]:
        states.append(states[-1].after(score))
    return states


@given(st.lists(SCORES, min_size=1, max_size=30))
def test_nothing_that_was_seen_beats_what_is_kept(scores: list[Score]) -> None:
    """At every moment, and what is kept is the score of the epoch that it names."""
    for epoch, state in enumerate(through(scores)):
        assert state.best == scores[state.kept]
        assert not any(score.beats(state.best) for score in scores[: epoch + 1])


@given(st.lists(SCORES, min_size=1, max_size=30))
def test_what_is_kept_is_never_worse_than_the_frozen_backbone(scores: list[Score]) -> None:
    """Neither in accuracy nor in NLL, whatever came in between."""
    best = through(scores)[-1].best
    assert best.accuracy >= scores[0].accuracy
    assert best.nll <= scores[0].nll


def test_accuracy_that_costs_calibration_is_not_kept() -> None:
    """Nor calibration that costs accuracy; a hair's breadth of NLL is nothing either."""
    start = Score(accuracy=0.5, nll=1.2)
    for other in (
        Score(accuracy=0.6, nll=1.21),
        Score(accuracy=0.45, nll=0.9),
        Score(accuracy=0.5, nll=1.2 - LEAST / 2),
        start,
    ):
        assert through([start, other])[-1].kept == 0
    for better in (
        Score(accuracy=0.6, nll=1.2),
        Score(accuracy=0.5, nll=1.1),
        Score(accuracy=0.6, nll=1.2 - LEAST / 2),
    ):
        assert through([start, better])[-1].kept == 1


@given(st.integers(1, 6), st.integers(0, 8))
def test_it_stops_when_patience_ends_and_not_before_all_is_thawed(patience: int, not_before: int) -> None:
    """Without anything better, exactly `patience` epochs after the last stage has thawed."""
    worse = [Score(accuracy=0.5, nll=1.0 + epoch / 10) for epoch in range(20)]
    states = through(worse, patience=patience, not_before=not_before)
    assert [state.stop for state in states].index(True) == not_before + patience


def test_something_better_gives_new_patience() -> None:
    """The count begins anew at what is kept."""
    scores = [Score(accuracy=0.5, nll=nll) for nll in (1.0, 1.1, 0.8, 0.9, 0.9)]
    assert [state.stop for state in through(scores, patience=2)] == [False, False, False, False, True]
