"""Figures as tables, for the page and for Markdown alike: a number is put into words in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bench.figures import Latency, Limit, Peers, Sustained, Sweep
from bench.report.words import DEADLINE_MS, count, number, with_spread
from bench.sweep import complaint
from local.page.table import Table


def summary(sweep: Sweep) -> Table:
    """What a search found, a row for each number of workers."""
    return Table(
        title=f"The highest rate with p99 ≤ {DEADLINE_MS:.0f} ms and nothing lost, {sweep.mix} photos",
        columns=(
            "workers",
            "photos/s",
            "ceiling",
            "ratio",
            "CPU ratio",
            "bare ceiling",
            "bare ratio",
            "p50 at 80%, ms",
            "p99 at 80%, ms",
        ),
        rows=tuple(
            (
                str(found.workers),
                number(found.max_rate),
                number(found.ceiling),
                number(found.ratio),
                number(found.cpu_ratio),
                number(found.bare_ceiling),
                number(found.bare_ratio),
                number(found.at_80_percent.p50_ms),
                number(found.at_80_percent.p99_ms),
            )
            for found in sweep.sustained
        ),
        wrong=frozenset(
            index for index, found in enumerate(sweep.sustained) if not found.at_80_percent.valid
        ),
    )


def probes(found: Sustained) -> Table:
    """Every run of a search, in the order in which they were made."""
    runs = (*found.probes, found.at_80_percent)
    names = (*(str(index) for index in range(1, len(found.probes) + 1)), "80%")
    return _runs(f"Probes with {_workers(found.workers)}, in their order", runs, "probe", names)


def latencies(runs: Sequence[Latency]) -> Table:
    """Runs at a fixed rate, a row each."""
    return _runs(
        "Runs at a fixed rate",
        runs,
        "what",
        [f"{run.subject}, {run.mix}, {_workers(run.workers)}" for run in runs],
    )


def _runs(title: str, runs: Sequence[Latency], heading: str, names: Sequence[str]) -> Table:
    columns = (
        heading,
        "photos/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "sent",
        "lost",
        "late",
        "rejected",
        "generator lag",
        "verdict",
    )
    return Table(
        title=f"{title}; latency and lag in ms",
        columns=columns,
        rows=tuple(
            (
                name,
                number(run.rate),
                number(run.p50_ms),
                number(run.p90_ms),
                number(run.p99_ms),
                number(run.p999_ms),
                number(run.max_ms),
                f"{run.sent:,}",
                f"{run.lost:,}",
                f"{run.late:,}",
                f"{run.rejected:,}",
                number(run.generator_lag_ms),
                verdict(run),
            )
            for name, run in zip(names, runs, strict=True)
        ),
        prose=frozenset({0, len(columns) - 1}),
        wrong=frozenset(index for index, run in enumerate(runs) if not (run.valid or run.ended_early)),
    )


def verdict(run: Latency) -> str:
    """Whether a run is what it claims to be, and whether it keeps the promise."""
    if run.valid or run.ended_early:
        return complaint(run) or "within 200 ms"
    return f"not valid: {run.why}"


def stages(runs: Sequence[Latency]) -> Table:
    """Where a photo's time goes, a row a run."""
    names = list(dict.fromkeys(stage.name for run in runs for stage in run.stages))
    rows = []
    for run in runs:
        known = {stage.name: f"{number(stage.p50_ms)} ({number(stage.p99_ms)})" for stage in run.stages}
        whole = f"{number(run.p50_ms)} ({number(run.p99_ms)})"
        label = f"{run.subject} at {number(run.rate)}/s, {_workers(run.workers)}"
        rows.append((label, *(known.get(name, "–") for name in names), whole))
    return Table(title="Stages, ms: p50 (p99)", columns=("run", *names, "due → read"), rows=tuple(rows))


def processes(title: str, accounts: Sequence[tuple[str, Mapping[str, float]]]) -> Table:
    """What each run cost, by process, in the order in which the runs name them."""
    names = _names([costs for _, costs in accounts])
    return Table(
        title=title,
        columns=("run", *names),
        rows=tuple(
            (label, *(number(costs.get(name, math.nan)) for name in names)) for label, costs in accounts
        ),
    )


def _names(accounts: Sequence[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for account in accounts for name in account))


def limits(found: Sequence[Limit]) -> Table:
    """The machine's limits, a row for each mix of photos."""
    return Table(
        title="What the machine could do",
        columns=(
            "photos",
            "cores",
            "decode, ms",
            "engine, ms",
            "engine in batches, photos/s",
            "Triton, photos/s",
            "Triton by shared memory, photos/s",
            "ceiling, photos/s",
            "by shared memory",
            "bare ceiling, photos/s",
        ),
        rows=tuple(
            (
                each.mix,
                f"{each.cores:g}",
                number(each.decode_ms),
                number(each.engine_ms),
                f"{number(each.engine_batch_rate)} (of {each.engine_batch})",
                number(each.triton_rate),
                number(each.triton_shared_memory_rate),
                number(each.ceiling),
                number(math.nan if each.shared_memory_ceiling is None else each.shared_memory_ceiling),
                number(each.bare_ceiling),
            )
            for each in found
        ),
    )


def parts(limit: Limit) -> Table:
    """Every part measured alone."""
    names = _names([part.cpu_ms for part in limit.parts])
    return Table(
        title=f"Each part alone, {limit.mix} photos",
        columns=(
            "part",
            "what",
            "photos/s",
            "wall, ms (spread)",
            "CPU, ms (spread)",
            *(f"{name}, ms" for name in names),
        ),
        rows=tuple(
            (
                part.name,
                part.what,
                number(part.rate),
                with_spread(part.wall_ms, part.wall_ms_spread),
                with_spread(part.cpu_ms_total, part.cpu_ms_spread or ()),
                *(number(part.cpu_ms.get(name, math.nan)) for name in names),
            )
            for part in limit.parts
        ),
        prose=frozenset({0, 1}),
    )


def contenders(found: Peers) -> Table:
    """All contenders' figures, what they promise beside."""
    rate = number(found.peers[0].p99_rate) if found.peers else "–"
    return Table(
        title=f"The same job, {found.mix} photos",
        columns=(
            "name",
            "promises",
            "photos/s (spread)",
            f"p99 at {rate}/s, ms (spread)",
            "overhead, µs CPU a record (spread)",
            "photos behind each p99",
        ),
        rows=tuple(
            (
                f"{peer.name} {peer.version}".strip(),
                peer.guarantees,
                with_spread(peer.rate, peer.rates),
                with_spread(peer.p99_ms, peer.p99s_ms),
                with_spread(peer.overhead_us, peer.overheads_us),
                f"{min(peer.p99_photos):,} or more",
            )
            for peer in found.peers
        ),
        prose=frozenset({0, 1}),
    )


def promises(found: Peers) -> Table:
    """What each promises, at length."""
    return Table(
        title="What each promises",
        columns=("name", "delivery", "order", "bounds"),
        rows=tuple((peer.name, peer.delivery, peer.order, peer.bounds) for peer in found.peers),
        prose=frozenset(range(4)),
    )


def _workers(number_of: int) -> str:
    return "a worker that ran already" if number_of == 0 else count(number_of, "worker")
