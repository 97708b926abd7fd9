"""What a page of figures holds, in order, from whatever was measured: values that the template lays out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.ceilings import CEILING_PARTS
from bench.figures import Latency, Limit, Machine, Peers, Sweep
from bench.report import tables
from bench.report.plots import account, contenders, distribution, rates, waterfall
from bench.report.saved import Figures
from bench.report.words import count, number, percent
from local.page.blocks import Block, Heading, Picture, Section, Tile


@dataclass(frozen=True, slots=True)
class _Account:
    """What one run cost, by process."""

    label: str
    mix: str
    cpu_ms: Mapping[str, float]
    memory_mib: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """All figures of one page, by kind; the limits of sweeps are among the limits."""

    sweeps: tuple[Sweep, ...]
    latencies: tuple[Latency, ...]
    limits: tuple[Limit, ...]
    peers: tuple[Peers, ...]

    @classmethod
    def of(cls, figures: Sequence[Figures]) -> Found:
        """Sorted, each once, in the order given."""
        sweeps = tuple(each for each in figures if isinstance(each, Sweep))
        limits = [each for each in figures if isinstance(each, Limit)]
        limits += [sweep.limit for sweep in sweeps if sweep.limit not in limits]
        return cls(
            sweeps=sweeps,
            latencies=tuple(each for each in figures if isinstance(each, Latency)),
            limits=tuple(limits),
            peers=tuple(each for each in figures if isinstance(each, Peers)),
        )

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Every machine, commit and moment that figures come from, each once."""
        figures: tuple[Figures, ...] = (*self.sweeps, *self.latencies, *self.limits, *self.peers)
        return tuple(dict.fromkeys(each.machine for each in figures))

    @property
    def invalid(self) -> tuple[Latency, ...]:
        """Runs whose figures stand for something that are not what they claim to be."""
        runs = (*self.latencies, *(each.at_80_percent for sweep in self.sweeps for each in sweep.sustained))
        return tuple(run for run in runs if not run.valid)


def tiles(found: Found) -> Iterator[Tile]:
    """The figures that one came for; none from a run that is not what it claims to be."""
    for sweep in found.sweeps:
        for each in sweep.sustained:
            yield Tile(
                f"kept by {count(each.workers, 'worker')}",
                number(each.max_rate),
                "photos/s",
                f"{percent(each.ratio)} of the ceiling, {percent(each.cpu_ratio)} by CPU",
            )
        run = sweep.sustained[0].at_80_percent
        if run.valid:
            yield Tile("p99 at 80% of it", number(run.p99_ms), "ms", f"p50 {number(run.p50_ms)} ms")
        yield Tile(
            "a million photos", number(sweep.core_hours_per_million), "core hours", "by the CPU account"
        )
    for run in (run for run in found.latencies if run.valid):
        yield Tile(
            f"p99 at {number(run.rate)} photos/s", number(run.p99_ms), "ms", f"p50 {number(run.p50_ms)} ms"
        )
    if not found.sweeps:
        for limit in found.limits:
            yield Tile(
                f"ceiling, {limit.mix}",
                number(limit.ceiling),
                "photos/s",
                f"bare {number(limit.bare_ceiling)}",
            )
    for peers in found.peers:
        for peer in (peer for peer in peers.peers if peer.name == contenders.OURS):
            yield Tile(
                "overhead a record", number(peer.overhead_us), "µs CPU", "the engine answers constants"
            )


def sections(found: Found) -> Iterator[Section]:
    """What there is to show; nothing for what was not measured."""
    for index, sweep in enumerate(found.sweeps):
        yield _sweep(sweep, index)
    if found.latencies:
        yield _latencies(found.latencies)
    if costs := tuple(_costs(found)):
        yield Section("cpu", "What a photo costs", costs)
    for index, peers in enumerate(found.peers):
        yield _peers(peers, index)
    if found.limits:
        blocks = (tables.limits(found.limits), *(tables.parts(limit) for limit in found.limits))
        yield Section("limit", "What this machine could do", blocks)
    if found.sweeps:
        searched = tuple(tables.probes(each) for sweep in found.sweeps for each in sweep.sustained)
        yield Section("probes", "Every probe", searched)


def _sweep(sweep: Sweep, index: int) -> Section:
    kept = ", ".join(
        f"{number(each.max_rate)}/s with {count(each.workers, 'worker')}" for each in sweep.sustained
    )
    label = f"Latency against rate, {sweep.mix} photos: kept {kept}; the table of probes has every point."
    blocks: list[Block] = [
        Picture(
            partial(rates.draw, sweep),
            label,
            "Each point is a run of its own; lines join the medians of runs at one rate. Open points were"
            " not kept: p99 above 200 ms, something lost or rejected, or so much waiting that we gave up.",
        ),
        tables.summary(sweep),
        *(
            f"{count(each.workers, 'worker').capitalize()}: the search ended when {each.ended}."
            for each in sweep.sustained
            if each.ended
        ),
        *(f"With {workers} workers: {why}" for workers, why in sweep.nothing_kept.items()),
    ]
    for each in sweep.sustained:
        blocks += _run(each.at_80_percent, f"{count(each.workers, 'worker')} at 80% of that")
    blocks.append(tables.stages([each.at_80_percent for each in sweep.sustained]))
    return Section(f"sweep-{index}", f"How much within 200 ms, {sweep.mix} photos", tuple(blocks))


def _latencies(runs: Sequence[Latency]) -> Section:
    blocks: list[Block] = [tables.latencies(runs)]
    for run in runs:
        blocks += _run(run, f"{run.subject}, {run.mix} photos, {count(run.workers, 'worker')}")
    blocks.append(tables.stages(runs))
    return Section("latency", "Latency at a fixed rate", tuple(blocks))


def _run(run: Latency, name: str) -> Iterator[Block]:
    at = f"{name}: {number(run.rate)} photos a second"
    if run.histogram or run.stages:
        yield Heading(at)
    if run.histogram:
        label = f"Histogram of latency, {at}: p50 {number(run.p50_ms)}, p99 {number(run.p99_ms)} ms."
        yield Picture(
            partial(distribution.draw, run),
            label,
            f"How long {run.received:,} photos took. Ticks below the line are those beyond p99;"
            f" the slowest took {number(run.max_ms)} ms.",
        )
    if run.stages:
        label = f"Stages of a photo, {at}; the table of stages has the numbers."
        yield Picture(
            partial(waterfall.draw, run),
            label,
            "Where the time goes, in ms. Bars are medians, thin lines reach to p99.",
        )


def _costs(found: Found) -> Iterator[Block]:
    accounts = list(_accounts(found))
    for mix in dict.fromkeys(each.mix for each in accounts):
        bars: list[account.Bar] = [
            ("the parts, each measured alone", alone(limit)) for limit in found.limits if limit.mix == mix
        ]
        bars += [(each.label, each.cpu_ms) for each in accounts if each.mix == mix and each.cpu_ms]
        if any(costs for _, costs in bars):
            yield Picture(
                partial(account.draw, bars),
                f"CPU milliseconds a photo by process, {mix} photos; the table below has the numbers.",
                f"{mix} photos. The sum counts what serves: worker, Triton and broker. Pale are the generator"
                " and the reader: they measure, and are listed apart.",
            )
    if accounts:
        yield tables.processes("CPU a photo, ms", [(each.label, each.cpu_ms) for each in accounts])
        kept = [(each.label, each.memory_mib) for each in accounts if each.memory_mib]
        yield tables.processes("Memory at most, MiB", kept)


def _accounts(found: Found) -> Iterator[_Account]:
    for sweep in found.sweeps:
        for each in sweep.sustained:
            who, run = count(each.workers, "worker"), each.at_80_percent
            yield _Account(f"{who}, highest rate kept", sweep.mix, each.cpu_ms_per_photo, {})
            yield _Account(f"{who}, 80% of that", sweep.mix, run.cpu_ms_per_photo, run.memory_mib)
    for run in found.latencies:
        label = f"{run.subject}, {count(run.workers, 'worker')}, {number(run.rate)}/s"
        yield _Account(label, run.mix, run.cpu_ms_per_photo, run.memory_mib)


def alone(limit: Limit) -> Mapping[str, float]:
    """CPU milliseconds a photo by process of the parts that the ceiling is made of."""
    summed: dict[str, float] = {}
    for part in limit.parts:
        if part.name in CEILING_PARTS:
            for name, cost in part.cpu_ms.items():
                summed[name] = summed.get(name, 0.0) + cost
    return summed


def _peers(peers: Peers, index: int) -> Section:
    names = ", ".join(peer.name for peer in peers.peers)
    label = f"Rate, p99 and overhead of {names}; the table below has the numbers."
    blocks: list[Block] = []
    if peers.peers:
        blocks.append(
            Picture(
                partial(contenders.draw, peers),
                label,
                "Dots are medians of the repetitions, bars reach from the lowest to the highest. To the right"
                " is better for the rate, to the left for p99 and overhead.",
            )
        )
    blocks += [tables.contenders(peers), tables.promises(peers), *peers.notes]
    return Section(f"peers-{index}", "The same job elsewhere", tuple(blocks))
