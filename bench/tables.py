"""Figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.figures import Latency, Limit, Machine, Peers, Sustained, Sweep


@singledispatch
def of(found: object) -> RenderableType:
    """Return figures as something that rich prints."""
    raise TypeError(f"there is no table of {type(found).__name__}")


@of.register
def _(found: Latency) -> RenderableType:
    table = _table()
    table.add_row(
        "rate", f"{found.rate:g} photos a second for {found.seconds:g} s, {_workers(found.workers)}"
    )
    table.add_row("photos", f"{found.sent} sent, {found.received} came out, {found.mix}")
    table.add_row("latency p50", f"{found.p50_ms:.1f} ms")
    for name, value in (("p90", found.p90_ms), ("p99", found.p99_ms), ("p99.9", found.p999_ms)):
        table.add_row(name, f"{value:.1f} ms")
    table.add_row("longest", f"{found.max_ms:.1f} ms")
    table.add_row("late, rejected", f"{found.late}, {found.rejected}")
    table.add_row("lost, doubled", f"{found.lost}, {found.doubled}")
    lag = f"p99 {found.generator_lag_ms:.1f} ms, longest {found.generator_lag_max_ms:.1f} ms"
    table.add_row("generator's lag", lag)
    for stage in found.stages:
        table.add_row(f"stage {stage.name}", f"p50 {stage.p50_ms:.1f} ms, p99 {stage.p99_ms:.1f} ms")
    for name, cost in found.cpu_ms_per_photo.items():
        table.add_row(f"CPU {name}", f"{cost:.2f} ms a photo, {found.memory_mib[name]:.0f} MiB")
    return Group(table, verdict(found), machine(found.machine))


@of.register
def _(found: Limit) -> RenderableType:
    parts = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("part", "photos/s", "wall ms", "CPU ms", "of these"):
        words = heading in {"part", "of these"}
        parts.add_column(heading, justify="left" if words else "right", no_wrap=heading != "of these")
    for each in found.parts:
        parts.add_row(
            each.name,
            f"{each.rate:.1f}",
            f"{each.wall_ms:.2f}",
            _between(each.cpu_ms_total, each.cpu_ms_spread or (each.cpu_ms_total,), 2),
            ", ".join(f"{name} {cost:.2f}" for name, cost in each.cpu_ms.items()),
        )
    table = _table()
    ceilings = (
        ("ceiling", found.ceiling, "decoding, Triton by gRPC, Kafka"),
        ("by shared memory", found.shared_memory_ceiling, "decoding, Triton by shared memory, Kafka"),
        ("bare ceiling", found.bare_ceiling, f"decoding, the engine in batches of {found.engine_batch}"),
    )
    for name, rate, what in ceilings:
        if rate is not None:
            table.add_row(name, f"{rate:.1f} photos a second", f"{found.cores:g} cores, {found.mix}: {what}")
    return Group(parts, Text(), table, machine(found.machine))


@of.register
def _(found: Peers) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "version"):
        table.add_column(heading)
    for heading in ("photos a second", "p99 ms", "of photos", "overhead µs"):
        table.add_column(heading, justify="right")
    for each in found.peers:
        table.add_row(
            each.name,
            each.version,
            _between(each.rate, each.rates, 1),
            _between(each.p99_ms, each.p99s_ms, 1),
            f"{sum(each.p99_photos):,}",
            _between(each.overhead_us, each.overheads_us, 0),
        )
    promises = _table()
    for each in found.peers:
        promises.add_row(each.name, each.guarantees)
    notes = (Text(note, style="dim") for note in found.notes)
    return Group(table, promises, *notes, machine(found.machine))


@of.register
def _(found: Sweep) -> RenderableType:
    probes = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("workers", "photos a second", "p50 ms", "p99 ms", "lag p99 ms", ""):
        probes.add_column(heading, justify="left" if not heading else "right")
    table = _table()
    for each in found.sustained:
        for name, run in (*(("", probe) for probe in each.probes), ("at 80%: ", each.at_80_percent)):
            said = Text(f"{name}{run.why or 'valid'}", style="red" if run.why else "")
            numbers = (run.p50_ms, run.p99_ms, run.generator_lag_ms)
            probes.add_row(str(each.workers), f"{run.rate:g}", *(f"{value:.1f}" for value in numbers), said)
        for label, line in _sustained(each):
            table.add_row(label, line)
    for workers, why in found.nothing_kept.items():
        table.add_row(f"{workers} workers", Text(why, style="red"))
    hours = (
        f"{found.core_hours_per_million:.2f} core-hours of work,"
        f" {found.core_hours_reserved_per_million:.2f} of a machine that is kept for it, on paper; what an"
        " hour costs is yours to multiply"
    )
    table.add_row("a million photos", hours)
    return Group(probes, Text(), table, machine(found.machine))


def _sustained(found: Sustained) -> Iterator[tuple[str, str]]:
    """What was found for one number of workers, line by line."""
    last = found.at_80_percent
    yield _workers(found.workers), f"{found.max_rate:g} photos a second; the search ended when {found.ended}"
    yield "of the ceiling", f"{found.ratio:.0%} of {found.ceiling:.1f} photos a second"
    yield "of the bare ceiling", f"{found.bare_ratio:.0%} of {found.bare_ceiling:.1f} photos a second"
    yield "CPU ratio", f"{found.cpu_ratio:.0%}: what the parts take alone, of what was spent"
    yield (
        "CPU a photo",
        ", ".join(f"{name} {cost:.2f} ms" for name, cost in found.cpu_ms_per_photo.items()),
    )
    yield "at 80%", f"p50 {last.p50_ms:.1f} ms, p99 {last.p99_ms:.1f} ms"


def verdict(found: Latency) -> Text:
    """Return in words whether a run is what it claims to be."""
    if found.valid:
        return Text("valid: the generator kept its schedule, and every photo came out", style="green")
    return Text(f"INVALID: {found.why}.", style="bold red")


def machine(found: Machine) -> Text:
    """Return the machine in one line."""
    return Text(
        f"{found.processor}, {found.cores_said}, {found.memory_gib:g} GiB, {found.system},"
        f" Python {found.python}, engine {found.precision}, commit {found.commit}, {found.at}",
        style="dim",
    )


def _table() -> Table:
    return Table(show_header=False, box=None, padding=(0, 2, 0, 0))


def _between(median: float, values: Sequence[float], digits: int) -> str:
    """A median, and where there are several, the lowest and the highest of them."""
    if len(values) == 1:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _workers(count: int) -> str:
    if count == 0:
        return "a worker that ran already"
    return f"{count} worker{'s' if count > 1 else ''}"
