"""One open-loop run at one rate: load, reader and account side by side, and what they found.

Latency runs from the moment at which a photo was due, not from when it was sent, to the moment at which a
read_committed consumer has its record. So a stall shows in the photos that had to wait for it (no coordinated
omission; Gil Tene, "How NOT to Measure Latency", 2015).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import accounts, arrivals, generator, mixes, reader
from bench.child import READY_SECONDS, Child
from bench.figures import Latency
from bench.reckoning import Sending, faults, histogram, outcome
from bench.stand import Stand
from bench.subject import Team
from bench.surroundings import profile
from local.install import Meter, silent
from worker.errors import Refuse
from worker.topics import PHOTOS

WARM_UP_SECONDS = 5.0
LEAD_SECONDS = 0.3
"""Between the word to start and the first moment: everybody has heard of it by then."""

PATIENCE_SECONDS = 15.0
"""So long without any record, after the last photo was sent, and what is missing counts as lost."""

GIB = 1024.0**3
SPARE_BYTES = GIB
"""What else may need room meanwhile: results, logs, the neighbours."""

LONGEST_DRAIN_SECONDS = 3600.0
LOOK_SECONDS = 0.25
MEMORY_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is put on: `rate` photos of a mix a second, `warm_up` seconds and then `seconds` that count.

    `give_up_after`: end early once so many seconds of work are waiting; None: never.
    """

    rate: float
    seconds: float
    warm_up: float = WARM_UP_SECONDS
    mix: str = "512px"
    seed: int = 0
    at_random: bool = False
    give_up_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that has begun: when its clock reads 0 (CLOCK_MONOTONIC), and its generator's process id."""

    start: float
    generator: int


def measure(
    stand: Stand,
    team: Team,
    load: Load,
    *,
    meter: Meter = silent,
    begun: Callable[[Begun], None] = lambda _begun: None,
) -> Latency:
    """Put a load on a running subject and return what came of it; every photo that was sent is waited for.

    Args:
        stand: where it runs.
        team: what is measured.
        load: rate, duration and photos.
        meter: told how far it is.
        begun: called once, just before the first photo is due.

    Raises:
        Refuse: an instrument or the subject ended, or could not begin; the photos would fill the disk.
    """
    due = arrivals.intended(load.rate, load.warm_up + load.seconds, load.seed)
    photos = mixes.folder(load.mix, meter)
    _ensure_room(stand, photos, len(due))
    run = f"bench.{time.time_ns()}"
    with ExitStack() as undo:
        scratch = Path(undo.enter_context(tempfile.TemporaryDirectory(dir=stand.folder)))
        reading = reader.Spec(
            bootstrap=stand.kafka,
            topics=team.subject.outputs,
            run=run,
            count=len(due),
            output=str(scratch / "reading.npz"),
        )
        sending = generator.Spec(
            bootstrap=stand.kafka,
            topic=PHOTOS,
            partitions=stand.partitions,
            photos=str(photos),
            run=run,
            rate=load.rate,
            seconds=load.warm_up + load.seconds,
            warm_up=load.warm_up,
            seed=load.seed,
            at_random=load.at_random,
        )
        eye = undo.enter_context(Child("bench.reader", asdict(reading), log=stand.folder / "reader.log"))
        hand = undo.enter_context(
            Child("bench.generator", asdict(sending), log=stand.folder / "generator.log")
        )
        eye.hear("ready", READY_SECONDS)
        hand.hear("ready", READY_SECONDS)
        start = time.monotonic() + LEAD_SECONDS
        hand.tell({"start": start})
        begun(Begun(start=start, generator=hand.pid))
        watch = _Watch(
            team=team,
            load=load,
            due=due,
            start=start,
            hand=hand,
            eye=eye,
            parties=_parties(stand, team, hand, eye),
            meter=meter,
        )
        sent = watch.until_sent()
        watch.until_read(sent.sent)
        seen = reader.Reading.load(Path(reading.output))
    found = outcome(due, sent.sent, seen, start=start, warm_up=load.warm_up)
    counts = histogram(found.latencies)
    why = faults(sent, found)
    in_window = (seen.moments >= watch.window[0]) & (seen.moments < watch.window[1])
    return Latency(
        subject=team.subject.name,
        machine=stand.machine,
        mix=load.mix,
        workers=len(team.children),
        rate=load.rate,
        seconds=load.seconds,
        warm_up_seconds=load.warm_up,
        seed=load.seed,
        sent=found.sent,
        received=found.received,
        throughput=int(in_window.sum()) / max(watch.window[1] - watch.window[0], 1e-9),
        profile=profile(),
        p50_ms=counts.percentile_ms(50),
        p90_ms=counts.percentile_ms(90),
        p99_ms=counts.percentile_ms(99),
        p999_ms=counts.percentile_ms(99.9),
        max_ms=round(float(found.latencies.max()) * 1000, 3) if len(found.latencies) else 0.0,
        late=found.late,
        rejected=found.rejected,
        lost=found.lost,
        doubled=found.doubled,
        ended_early=bool(sent.ended_early),
        generator_lag_ms=sent.lag_p99_ms,
        generator_lag_max_ms=sent.lag_max_ms,
        valid=not why,
        why=why,
        stages=found.stages,
        histogram=counts.buckets_ms(),
        cpu_ms_per_photo=accounts.cpu_ms_each(watch.accounts[0], watch.accounts[-1], int(in_window.sum())),
        memory_mib=accounts.peak_mib(watch.accounts),
    )


def _ensure_room(stand: Stand, photos: Path, count: int) -> None:
    """Refuse a run whose photos would fill the disk: a broker of our own keeps all until it is stopped."""
    if "broker" not in stand.parties:
        return
    sizes = [path.stat().st_size for path in photos.iterdir()]
    wanted, free = count * sum(sizes) / len(sizes), shutil.disk_usage(stand.folder).free
    if wanted + SPARE_BYTES > free:
        raise Refuse(
            f"the run's photos take {wanted / GIB:.1f} GiB and {free / GIB:.1f} are free on the disk of"
            f" {stand.folder}: make room, or ask for fewer --seconds, a lower --rate or smaller photos."
        )


def _parties(stand: Stand, team: Team, hand: Child, eye: Child) -> accounts.Parties:
    """Whose cost is accounted for; those of others are absent."""
    workers = {"worker": team.pids} if team.children else {}
    return {**workers, **stand.parties, "generator": (hand.pid,), "reader": (eye.pid,)}


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Looks on while a run lasts: how far it is, what it costs, and whether it has failed already.

    `accounts` are taken within `window` (CLOCK_MONOTONIC), the first when it begins, the last when it ends.
    """

    team: Team
    load: Load
    due: arrivals.Seconds
    start: float
    hand: Child
    eye: Child
    parties: accounts.Parties
    meter: Meter
    accounts: list[accounts.Account] = field(default_factory=list)
    window: tuple[float, float] = (0.0, 0.0)

    def until_sent(self) -> Sending:
        """Wait until the last photo is sent, or the run is given up; the accounts are taken in between."""
        load, early, accounted = self.load, "", 0.0
        begin = self.start + load.warm_up
        end = begin + load.seconds
        while (now := time.monotonic()) < end:
            if now >= begin and now - accounted > MEMORY_SECONDS:
                accounted = now
                self._account()
            self.team.check()
            self._show(now)
            backlog = self._backlog(now)
            if load.give_up_after is not None and backlog > load.give_up_after * load.rate:
                early = f"it was given up after {now - self.start:.0f} s, when {backlog} photos were waiting"
                self.hand.tell({"stop": True})
                break
            edge = begin if now < begin else end
            time.sleep(max(0.0, min(LOOK_SECONDS, edge - now)))
        self._account()
        said = self.hand.hear("result", LONGEST_DRAIN_SECONDS)
        return Sending(
            sent=said["sent"],
            acknowledged=said["acknowledged"],
            why=said["why"],
            lag_p99_ms=said["lag_p99_ms"],
            lag_max_ms=said["lag_max_ms"],
            ended_early=early,
        )

    def until_read(self, sent: int) -> None:
        """Wait until everything has come out, or nothing comes any more."""
        self.eye.tell({"sent": sent, "patience": PATIENCE_SECONDS})
        self.eye.hear("result", LONGEST_DRAIN_SECONDS)

    def _account(self) -> None:
        now = time.monotonic()
        self.window = (self.window[0], now) if self.accounts else (now, now)
        self.accounts.append(accounts.taken(self.parties))

    def _backlog(self, now: float) -> int:
        """How many photos are due and have not come out; the reader tells every quarter second."""
        came = int(self.eye.progress.get("received", 0))
        return int((self.due < now - self.start).sum()) - came

    def _show(self, now: float) -> None:
        load = self.load
        done = int((now - self.start) * 10)
        total = int((load.warm_up + load.seconds) * 10)
        self.meter(f"{load.rate:.0f} photos a second", max(0, min(done, total)), total)
