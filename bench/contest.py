"""All contenders on the same job in one run, round after round: rate, latency, and what a record costs them.

    rate       a burst of photos, all of them waiting from the start: photos a second that come out
    latency    p99 at one open-loop rate for all, by `bench.latency`
    overhead   CPU of the contender's own processes a record, with an engine that answers constants; what the
               same photos cost to decode, measured alone, is subtracted

Each measurement starts its contender anew and begins with photos that do not count.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench import mixes, noop, standings
from bench.burst import burst
from bench.contenders import processes
from bench.entry import subject
from bench.figures import Machine, Peers
from bench.latency import Load, measure
from bench.mixes import Mix
from bench.stand import Stand, opened
from bench.standings import Score
from bench.subject import Team, started
from bench.warm import warm
from local.install import Meter, silent
from local.stack import Options
from training.places import CARD
from worker.edges.card import load
from worker.errors import Refuse
from worker.prepare.decode import DecodeLimits, decode

WARM_PHOTOS: Final = 40
BURST_PHOTOS: Final = 300
CHEAP_PHOTOS: Final = 800
SECONDS: Final = 10.0
WARM_UP_SECONDS: Final = 2.0
DECODES: Final = 300


PHASES: Final = 3
SMALL: Final = Mix(name="small", what="longer side 260 pixels", photos=29, side=260)
"""Photos that are cheap to decode, so that little is subtracted."""

Measurement = Callable[[Stand, Team, Score], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured: who, how often, on which photos, and at which rate (None: by the slowest's)."""

    names: tuple[str, ...]
    rounds: int = 3
    mix: str = "512px"
    rate: float | None = None
    photos: int = BURST_PHOTOS
    cheap_photos: int = CHEAP_PHOTOS
    seconds: float = SECONDS


@dataclass(slots=True)
class Contest:
    """A plan under way: the scores so far, and how far it is."""

    plan: Plan
    meter: Meter
    scores: dict[str, Score]
    notes: list[str]
    done: int = 0

    def round(self, stand: Stand, number: int, card: Path, what: str, measured: Measurement) -> None:
        """Measure one thing of every contender still in; one that fails is out, and a note says why."""
        for name in standings.in_turn(self.plan.names, number):
            score = self.scores[name]
            self.meter(
                f"Contest: {what}, {name}", self.done, PHASES * self.plan.rounds * len(self.plan.names)
            )
            self.done += 1
            if score.failure:
                continue
            try:
                with started(subject(name, card), stand, processes(name)) as team:
                    measured(stand, team, score)
            except Refuse as refusal:
                score.failure = str(refusal)
                self.notes.append(f"{name} is out, in {what}, round {number + 1}: {refusal}")

    def saturate(self, stand: Stand, team: Team, score: Score) -> None:
        """Measure how fast a burst of the mix comes out."""
        photos = mixes.folder(self.plan.mix)
        burst(stand, team, photos, WARM_PHOTOS)
        score.rates.append(standings.saturated_rate(burst(stand, team, photos, self.plan.photos).moments))

    def ask(self, rate: float, stand: Stand, team: Team, score: Score) -> None:
        """Measure the latency at the common rate; a run that is not valid counts, and a note says so."""
        load = Load(rate=rate, seconds=self.plan.seconds, warm_up=WARM_UP_SECONDS, mix=self.plan.mix)
        found = measure(stand, team, load)
        score.p99s_ms.append(found.p99_ms)
        if not found.valid:
            self.notes.append(f"a latency run of {team.subject.name} is not valid: {found.why}")

    def cheapen(self, photos: Path, decode_us: float, stand: Stand, team: Team, score: Score) -> None:
        """Measure what a record costs where the engine costs nothing."""
        burst(stand, team, photos, WARM_PHOTOS)
        found = burst(stand, team, photos, self.plan.cheap_photos)
        score.overheads_us.append(standings.overhead_us(found.cpu_ms, decode_us))


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
        for number in range(plan.rounds):
            contest.round(stand, number, CARD, "rate", contest.saturate)
        rate = plan.rate or _common_rate(contest)
        for number in range(plan.rounds):
            contest.round(stand, number, CARD, f"latency at {rate:g} a second", partial(contest.ask, rate))
    with tempfile.TemporaryDirectory() as folder:
        decode_us = _cheap(contest, Path(folder))
    return _figures(contest, machine, rate, decode_us)


def _common_rate(contest: Contest) -> float:
    if not any(score.rates for score in contest.scores.values()):
        raise Refuse(f"no contender could be measured: {contest.notes[0]}")
    return standings.common_rate(list(contest.scores.values()))


def _cheap(contest: Contest, folder: Path) -> float:
    """Measure every overhead on a stack whose engine answers constants; return what decoding costs, in µs."""
    engine = noop.write(folder / "noop")
    photos = folder / "photos"
    photos.mkdir()
    for number, photo in enumerate(mixes.photos(mixes.folder("512px"))):
        (photos / f"{number:03}.jpg").write_bytes(mixes.made(photo, SMALL, seed=number))
    decode_us = decoding_us(photos, engine.card)
    with opened(Options(models=engine.repository), meter=contest.meter) as stand:
        warm(stand, contest.meter)
        for number in range(contest.plan.rounds):
            contest.round(stand, number, engine.card, "overhead", partial(contest.cheapen, photos, decode_us))
    return decode_us


def decoding_us(folder: Path, card: Path) -> float:
    """Return the CPU microseconds that decoding one of these photos takes, alone in this thread."""
    target, limits = load(card).target, DecodeLimits(pixels=50_000_000, side=20_000)
    photos = mixes.photos(folder)
    for photo in photos:
        decode(photo, limits, target)
    before = time.thread_time()
    for number in range(DECODES):
        decode(photos[number % len(photos)], limits, target)
    return round((time.thread_time() - before) / DECODES * 1e6, 1)


def _figures(contest: Contest, machine: Machine, rate: float, decode_us: float) -> Peers:
    plan, scores = contest.plan, contest.scores
    return Peers(
        machine=machine,
        mix=plan.mix,
        peers=tuple(
            standings.figures(name, scores[name], rate) for name in plan.names if scores[name].complete
        ),
        notes=(
            standings.told(
                plan.names, rounds=plan.rounds, photos=plan.photos, seconds=plan.seconds, rate=rate
            ),
            standings.told_overhead(photos=plan.cheap_photos, decode_us=decode_us),
            *contest.notes,
        ),
    )
