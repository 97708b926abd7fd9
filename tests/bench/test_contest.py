"""Whose fault a failure is, and what becomes of the figures then: no process is started for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from bench import contest
from bench.child import InstrumentError
from bench.contest import Contest, Plan
from bench.figures import Latency
from bench.latency import Load
from bench.stand import Stand
from bench.standings import Score
from bench.subject import Subject, Team
from local.install import silent
from tests.bench import invented
from training.places import CARD
from worker.errors import Refuse

NOWHERE = cast("Stand", None)
"""Nothing is started, so nobody looks where."""

NAMES = ("pangaea", "plain")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Contest:
    """A contest of two whose contenders need not be started."""

    @contextmanager
    def started(subject: Subject, _stand: Stand, _workers: int) -> Iterator[Team]:
        yield Team(subject=subject)

    monkeypatch.setattr(contest, "started", started)
    monkeypatch.setattr(contest, "subject", _subject)
    return Contest(Plan(names=NAMES, rounds=2), silent, {name: Score() for name in NAMES}, [])


def _subject(name: str, _card: Path) -> Subject:
    return Subject(name=name, outputs=(), command=lambda _: [], environment=lambda _: {})


def test_what_an_instrument_fails_at_is_done_again(held: Contest) -> None:
    """The contender stays in with the figures of the second attempt only, and a note tells of the first."""
    failing = ["the generator did not answer"]

    def measured(_stand: Stand, _team: Team, _number: int) -> Score:
        if failing:
            raise InstrumentError(failing.pop())
        return Score(rates=[1.0])

    held.round(NOWHERE, 0, CARD, "rate", measured)
    assert [score.rates for score in held.scores.values()] == [[1.0], [1.0]]
    assert [score.failure for score in held.scores.values()] == ["", ""]
    assert held.notes == ["measured again: pangaea, rate, round 1: the generator did not answer"]


def test_an_instrument_that_fails_twice_ends_the_contest(held: Contest) -> None:
    """In its own sentence, and nobody is blamed for it."""

    def measured(_stand: Stand, _team: Team, _number: int) -> Score:
        raise InstrumentError("the reader gave up: no broker")

    with pytest.raises(Refuse, match="the reader gave up"):
        held.round(NOWHERE, 0, CARD, "rate", measured)
    assert [score.failure for score in held.scores.values()] == ["", ""]


def test_nobody_left_ends_the_contest(held: Contest) -> None:
    """Whenever the last one falls out: no stack is started for nobody, and each one's reason is told."""

    def measured(_stand: Stand, team: Team, number: int) -> Score:
        if number == 1 or team.subject.name == "plain":
            raise Refuse(f"{team.subject.name} died.")
        return Score(rates=[1.0])

    held.round(NOWHERE, 0, CARD, "rate", measured)
    with pytest.raises(Refuse, match=r"no contender is left: plain is out.*pangaea is out, in latency"):
        held.round(NOWHERE, 1, CARD, "latency", measured)


GOOD = invented.latency(60.0)
REJECTING = replace(GOOD, rejected=1)
BEHIND = invented.latency(60.0, valid=False)


@pytest.mark.parametrize(
    ("runs", "kept"),
    [
        ([GOOD], [GOOD.p99_ms]),
        ([BEHIND, GOOD], [GOOD.p99_ms]),
        ([REJECTING, GOOD], [GOOD.p99_ms]),
        ([BEHIND, REJECTING], []),
    ],
    ids=["valid", "generator behind once", "rejected once", "never valid"],
)
def test_a_run_that_is_not_valid_is_repeated_and_never_counts(
    runs: list[Latency], kept: list[float], held: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets a median of runs that are not what they claim to be; what is missing is told with why."""
    loads = []

    def measure(_stand: Stand, _team: Team, load: Load) -> Latency:
        loads.append(load)
        return runs[len(loads) - 1]

    monkeypatch.setattr(contest, "measure", measure)
    found = held.ask(60.0, NOWHERE, Team(subject=_subject("plain", CARD)), 1)
    assert found.p99s_ms == kept
    assert found.p99_photos == [GOOD.received] * len(kept)
    assert len(loads) == len(runs)
    assert {load.seed for load in loads} == {1}
    wanted = [] if kept else ["plain has no p99 of round 2, for both runs failed: 1 photos were rejected"]
    assert held.notes == wanted
