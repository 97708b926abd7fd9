"""The highest rate that workers keep, p99 within the promise and nothing lost, beside the machine's limit."""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench import limit
from bench.ceilings import CEILING_PARTS
from bench.figures import Latency, Limit, Sustained, Sweep
from bench.latency import WARM_UP_SECONDS, Load, measure
from bench.reckoning import LAG_LIMIT_MS
from bench.search import Found, search
from bench.stand import Stand
from bench.subject import Team, pangaea, started
from local.install import Meter, silent
from worker.errors import Refuse

P99_LIMIT_MS: Final = 200.0
PROBE_SECONDS: Final = 20.0
PROBE_PHOTOS: Final = 2_000
GIVE_UP_SECONDS: Final = 5.0
"""More work than this waiting, and a probe has failed: what comes after would only wait longer."""

SLACK_SECONDS: Final = 10.0
"""What a probe takes beyond its load: instruments that start, and a backlog that is worked off."""

START: Final = 0.8
"""Of the ceiling: where the search begins."""

RESOLUTION: Final = 0.02
SHARE: Final = 0.8
OURS: Final = ("worker", "triton")
"""The processes that do the parts; the broker, whom senders and readers keep busy too, is listed apart."""

SPENT: Final = (*OURS, "broker")
"""The processes that answering a photo takes; generator and reader are the senders' and readers' own."""

MS_PER_CORE_HOUR: Final = 3_600_000.0
SECONDS_PER_HOUR: Final = 3_600.0
MILLION: Final = 1_000_000

Probe = Callable[[float], Latency]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is put into a search: `budget_seconds` for each number of workers, the run at 80% included."""

    budget_seconds: float = 480.0
    probe_seconds: float = PROBE_SECONDS
    probe_photos: int = PROBE_PHOTOS
    warm_up: float = WARM_UP_SECONDS

    def seconds(self, rate: float) -> float:
        """How long a probe's measured part lasts: long enough, and photos enough for a p99."""
        return max(self.probe_seconds, self.probe_photos / rate)

    def cost(self, rate: float) -> float:
        """How long a probe takes in all, in seconds."""
        return self.warm_up + self.seconds(rate) + SLACK_SECONDS


def sweep(
    stand: Stand, *, workers: Sequence[int], mix: str, effort: Effort, seed: int = 0, meter: Meter = silent
) -> Sweep:
    """Measure the machine's limit, then search for each number of workers, on the same running stack.

    Raises:
        Refuse: something did not start, or no rate was kept within the budget by any number.
    """
    ceilings = limit.measure(stand, mix=mix, meter=meter)

    def one(count: int) -> Sustained:
        with started(pangaea(), stand, count) as team:
            probe = probing(stand, team, effort, mix=mix, seed=seed, meter=meter)
            return sustained(probe, ceilings, count, effort)

    found, nothing_kept = searched(workers, one)
    return Sweep(
        machine=stand.machine,
        mix=mix,
        limit=ceilings,
        sustained=found,
        nothing_kept=nothing_kept,
        core_hours_per_million=core_hours(found[0], MILLION),
        core_hours_reserved_per_million=reserved_core_hours(found[0], stand.machine.cores, MILLION),
    )


def searched(
    workers: Sequence[int], one: Callable[[int], Sustained]
) -> tuple[tuple[Sustained, ...], dict[str, str]]:
    """Search for each number of workers, fewest first; of those that kept no rate, return why not.

    Whatever ended the search of one, what was found for another stays.

    Raises:
        Refuse: none kept any rate.
    """
    found: list[Sustained] = []
    nothing_kept: dict[str, str] = {}
    for count in sorted(set(workers)):
        try:
            found.append(one(count))
        except Refuse as refusal:
            nothing_kept[str(count)] = str(refusal)
    if not found:
        raise Refuse("; ".join(nothing_kept.values()))
    return tuple(found), nothing_kept


def probing(stand: Stand, team: Team, effort: Effort, *, mix: str, seed: int, meter: Meter) -> Probe:
    """Return what probes a rate: each has a seed of its own, for days differ too, and keeps it when repeated.

    With another draw at the second attempt, the one that happens to have fewer photos would decide.
    """
    counted = itertools.count(seed)
    seeds: defaultdict[float, int] = defaultdict(counted.__next__)

    def probe(rate: float) -> Latency:
        load = Load(
            rate=rate,
            seconds=effort.seconds(rate),
            warm_up=effort.warm_up,
            mix=mix,
            seed=seeds[rate],
            give_up_after=GIVE_UP_SECONDS,
        )
        return measure(stand, team, load, meter=meter)

    return probe


def sustained(
    probe: Probe,
    ceilings: Limit,
    workers: int,
    effort: Effort,
    clock: Callable[[], float] = time.monotonic,
) -> Sustained:
    """Search for the highest rate kept, make one more run at 80% of it, and put it beside the ceilings.

    Raises:
        Refuse: no rate was kept within the budget.
    """
    began = clock()

    def affordable(rate: float, kept: float) -> bool:
        # Whatever is kept in the end, there must be time for the run at 80% of it.
        last = effort.cost(SHARE * (kept or rate))
        return clock() - began + effort.cost(rate) + last <= effort.budget_seconds

    found = search(
        probe, complaint, start=START * ceilings.ceiling, resolution=RESOLUTION, affordable=affordable
    )
    if found.best is None:
        why = "; ".join(f"at {run.rate:g} a second {complaint(run)}" for run in found.runs)
        raise Refuse(
            f"no rate was kept by {workers} worker(s), and the search ended when {found.ended}"
            f" ({why or 'no probe was made'}): give it more --minutes, or a machine with less to do."
        )
    return of(found.best, found, ceilings, workers, probe(float(f"{SHARE * found.kept:.3g}")))


def complaint(run: Latency) -> str:
    """Say why a rate was not kept in this run; empty: it was. One that is not valid does not count as kept.

    A run that is not valid for its generator's sake says nothing of the rate; it is repeated like any other,
    and what fails twice is not kept, for it was not seen to be.
    """
    if run.ended_early or not run.valid:
        return run.why
    if run.lost or run.doubled:
        return f"{run.lost} photos were lost and {run.doubled} came out twice"
    if run.rejected:
        return f"{run.rejected} photos were rejected"
    if run.p99_ms > P99_LIMIT_MS:
        return f"p99 was {run.p99_ms:.0f} ms"
    return ""


def of(best: Latency, found: Found[Latency], ceilings: Limit, workers: int, last: Latency) -> Sustained:
    """Put what was found beside the ceilings: pure arithmetic."""
    parts = [part.cpu_ms for part in ceilings.parts if part.name in CEILING_PARTS]
    offered = best.sent / best.seconds
    alone = sum(spent_ms(cpu_ms, OURS) for cpu_ms in parts)
    return Sustained(
        workers=workers,
        max_rate=offered,
        ceiling=ceilings.ceiling,
        bare_ceiling=ceilings.bare_ceiling,
        ratio=offered / ceilings.ceiling,
        bare_ratio=offered / ceilings.bare_ceiling,
        cpu_ratio=alone / spent_ms(best.cpu_ms_per_photo, OURS),
        cpu_ms_per_photo=best.cpu_ms_per_photo,
        probes=found.runs,
        at_80_percent=last,
        too_high=found.failed if math.isfinite(found.failed) else None,
        ended=found.ended + doubt(found),
    )


def doubt(found: Found[Latency]) -> str:
    """Say so where the generator may be what failed at the rate that was too high; else empty."""
    behind = [run for run in found.runs if run.rate == found.failed and run.generator_lag_ms > LAG_LIMIT_MS]
    if not behind:
        return ""
    return f"; at {found.failed:g} the generator fell behind in {len(behind)} runs, so it may have been that"


def spent_ms(cpu_ms: Mapping[str, float], processes: Sequence[str]) -> float:
    """CPU milliseconds a photo of these processes, where they had a share."""
    return sum(cpu_ms.get(name, 0.0) for name in processes)


def core_hours(found: Sustained, photos: int) -> float:
    """Core-hours that so many photos take, by arithmetic; what an hour costs is yours to multiply."""
    return spent_ms(found.cpu_ms_per_photo, SPENT) * photos / MS_PER_CORE_HOUR


def reserved_core_hours(found: Sustained, cores: float, photos: int) -> float:
    """Core-hours of a machine that is paid for as long as so many photos take at the highest rate."""
    return cores * photos / found.max_rate / SECONDS_PER_HOUR
