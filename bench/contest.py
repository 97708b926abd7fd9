"""All contenders on the same job in one run, round after round: rate, latency, and what a record costs them.

    rate       a burst of photos, all of them waiting from the start: photos a second that come out
    latency    p99 at one open-loop rate for all, by `bench.latency`: a share of the slowest's in round 1
    overhead   CPU of the contender's own processes a record, with an engine that answers constants; what the
               same photos cost to decode, measured alone, is subtracted

A contender is started anew for each overhead, and for each latency with the rate of the round after it; it
begins with photos that do not count. What an instrument or the broker fails at is done again, once, and is
nobody's fault; what a contender fails at puts it out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final

from bench import mixes, noop, standings
from bench.burst import burst
from bench.child import InstrumentError
from bench.contenders import processes
from bench.entry import subject
from bench.figures import Machine, Peers
from bench.latency import Load, measure
from bench.mixes import Mix
from bench.stand import Stand, opened
from bench.standings import Score
from bench.subject import Subject, Team, started
from bench.warm import warm
from local.install import Meter, silent
from local.stack import Options
from training.places import CARD
from worker.edges.card import load
from worker.errors import Refuse
from worker.prepare.decode import DecodeLimits
from worker.prepare.prepare import prepare

WARM_PHOTOS: Final = 80
WARM_UP_SECONDS: Final = 2.0
DECODES: Final = 300
ATTEMPTS: Final = 2

NOOP_WARM_SECONDS: Final = 15.0
"""Shorter than where rates are measured: what the broker costs does not count for the overhead."""

SMALL: Final = Mix(name="small", what="longer side 260 pixels", photos=29, side=260)
"""Photos that are cheap to decode, so that little is subtracted."""

Measurement = Callable[[Stand, Team, int], Score]
"""Measures a running contender in the round of this number (0, 1, …); returns what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured: who, how often, on which photos, and at which rate (None: by the slowest's)."""

    names: tuple[str, ...]
    rounds: int = 3
    mix: str = "512px"
    rate: float | None = None


@dataclass(slots=True)
class Contest:
    """A plan under way: the scores so far, and how far it is."""

    plan: Plan
    meter: Meter
    scores: dict[str, Score]
    notes: list[str]
    done: int = 0

    def round(self, stand: Stand, number: int, card: Path, what: str, measured: Measurement) -> None:
        """Measure one thing of every contender still in; one that fails is out, and a note says why.

        Raises:
            Refuse: nobody is left.
            InstrumentError: an instrument failed twice.
        """
        plan = self.plan
        for name in standings.in_turn(plan.names, number):
            self.meter(f"Contest: {what}, {name}", self.done, (2 * plan.rounds + 1) * len(plan.names))
            self.done += 1
            score = self.scores[name]
            if score.failure:
                continue
            about = f"{what}, round {number + 1}"
            try:
                attempt = partial(_once, stand, subject(name, card), measured, number)
                score.add(self._attempt(attempt, f"{name}, {about}"))
            except InstrumentError:
                raise
            except Refuse as refusal:
                score.failure = str(refusal)
                self.notes.append(f"{name} is out, in {about}: {refusal}")
        if all(score.failure for score in self.scores.values()):
            raise Refuse(f"no contender is left: {'; '.join(self.notes)}")

    def _attempt(self, attempt: Callable[[], Score], about: str) -> Score:
        """Measure; once more if an instrument fails."""
        try:
            return attempt()
        except InstrumentError as error:
            self.notes.append(f"measured again: {about}: {error}")
        return attempt()

    def saturate(self, stand: Stand, team: Team, number: int) -> Score:
        """Measure how fast a burst of the mix comes out, as long as it lasts by what is known of the rate."""
        photos, known = mixes.folder(self.plan.mix), self.scores[team.subject.name].rates
        if not known:
            known = [standings.saturated_rate(burst(stand, team, photos, WARM_PHOTOS).moments)]
        count = standings.burst_photos(median(known), mean(map(len, mixes.photos(photos))))
        found = burst(stand, team, photos, count, seed=number)
        return Score(rates=[standings.saturated_rate(found.moments)])

    def ask(self, rate: float, stand: Stand, team: Team, number: int) -> Score:
        """Measure the latency at the common rate; a run that is not valid is repeated, then there is none."""
        seconds = standings.latency_seconds(rate)
        load = Load(rate=rate, seconds=seconds, warm_up=WARM_UP_SECONDS, mix=self.plan.mix, seed=number)
        why = ""
        for _ in range(ATTEMPTS):
            found = measure(stand, team, load)
            why = found.why or (f"{found.rejected} photos were rejected" if found.rejected else "")
            if not why:
                return Score(p99s_ms=[found.p99_ms], p99_photos=[found.received])
        self.notes.append(
            f"{team.subject.name} has no p99 of round {number + 1}, for both runs failed: {why}"
        )
        return Score()

    def ask_and_saturate(self, rate: float, stand: Stand, team: Team, number: int) -> Score:
        """Measure the latency, and if there is a round after this one, the rate for that."""
        found = self.ask(rate, stand, team, number)
        if number + 1 < self.plan.rounds:
            found.add(self.saturate(stand, team, number + 1))
        return found

    def cheapen(self, photos: Path, decode_us: float, stand: Stand, team: Team, number: int) -> Score:
        """Measure what a record costs where the engine costs nothing."""
        burst(stand, team, photos, WARM_PHOTOS)
        found = burst(stand, team, photos, standings.CHEAP_PHOTOS, seed=number)
        return Score(overheads_us=[standings.overhead_us(found.cpu_ms, decode_us)])


def _once(stand: Stand, who: Subject, measured: Measurement, number: int) -> Score:
    with started(who, stand, processes(who.name)) as team:
        return measured(stand, team, number)


def environments(names: Sequence[str], meter: Meter = silent) -> None:
    """Make what the contenders need to start, before anything is timed.

    Raises:
        Refuse: the download failed, or the disk is full.
    """
    for name in names:
        subject(name, CARD, meter)


def hold(plan: Plan, *, meter: Meter = silent) -> Peers:
    """Hold the contest and return its figures; a contender that fails is left out, and a note says why.

    Raises:
        Refuse: the stack or an instrument cannot be had, or nobody is left.
    """
    environments(plan.names, meter)
    contest = Contest(plan, meter, {name: Score() for name in plan.names}, [])
    with opened(meter=meter) as stand:
        warm(stand, meter)
        machine = stand.machine
        contest.round(stand, 0, CARD, "rate", contest.saturate)
        rate = plan.rate or standings.common_rate(list(contest.scores.values()))
        what, measured = f"latency at {rate:g} a second", partial(contest.ask_and_saturate, rate)
        for number in range(plan.rounds):
            contest.round(stand, number, CARD, what, measured)
    with tempfile.TemporaryDirectory() as folder:
        decode_us = _cheap(contest, Path(folder))
    return _figures(contest, machine, rate, decode_us)


def _cheap(contest: Contest, folder: Path) -> float:
    """Measure every overhead on a stack whose engine answers constants; return what decoding costs, in µs."""
    engine = noop.write(folder / "noop")
    photos = folder / "photos"
    photos.mkdir()
    for number, photo in enumerate(mixes.photos(mixes.folder("512px"))):
        (photos / f"{number:03}.jpg").write_bytes(mixes.made(photo, SMALL, seed=number))
    decode_us = decoding_us(photos, engine.card)
    with opened(Options(models=engine.repository), meter=contest.meter) as stand:
        warm(stand, contest.meter, seconds=NOOP_WARM_SECONDS)
        for number in range(contest.plan.rounds):
            contest.round(stand, number, engine.card, "overhead", partial(contest.cheapen, photos, decode_us))
    return decode_us


def decoding_us(folder: Path, card: Path) -> float:
    """Return the CPU microseconds that decoding one of these photos takes, alone in this thread."""
    target, limits = load(card).target, DecodeLimits(pixels=50_000_000, side=20_000)
    photos = mixes.photos(folder)
    for photo in photos:
        prepare(photo, limits, target, now=time.time())
    before = time.thread_time()
    for number in range(DECODES):
        prepare(photos[number % len(photos)], limits, target, now=time.time())
    return round((time.thread_time() - before) / DECODES * 1e6, 1)


def _figures(contest: Contest, machine: Machine, rate: float, decode_us: float) -> Peers:
    plan, scores = contest.plan, contest.scores
    measured = {name: scores[name] for name in plan.names if scores[name].complete}
    if not measured:
        raise Refuse(f"no contender could be measured: {'; '.join(contest.notes)}")
    return Peers(
        machine=machine,
        mix=plan.mix,
        peers=tuple(standings.figures(name, score, rate) for name, score in measured.items()),
        notes=(
            standings.told(plan.names, rounds=plan.rounds, rate=rate),
            standings.told_overhead(decode_us),
            standings.told_requests(plan.names),
            *contest.notes,
        ),
    )
