"""Figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.figures import Latency, Machine, Peers


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
def _(found: Peers) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "version", "photos a second", "p99 ms", "overhead µs", "promises"):
        table.add_column(heading, justify="left" if heading in {"", "version", "promises"} else "right")
    for each in found.peers:
        table.add_row(
            each.name,
            each.version,
            _between(each.rate, each.rates, 1),
            _between(each.p99_ms, each.p99s_ms, 1),
            _between(each.overhead_us, each.overheads_us, 0),
            each.guarantees,
        )
    notes = (Text(note, style="dim") for note in found.notes)
    return Group(table, *notes, machine(found.machine))


def verdict(found: Latency) -> Text:
    """Return in words whether a run is what it claims to be."""
    if found.valid:
        return Text("valid: the generator kept its schedule, and every photo came out", style="green")
    return Text(f"INVALID: {found.why}.", style="bold red")


def machine(found: Machine) -> Text:
    """Return the machine in one line."""
    return Text(
        f"{found.processor}, {found.cores} cores, {found.memory_gib:g} GiB, {found.system},"
        f" Python {found.python}, engine {found.precision}, commit {found.commit}, {found.at}",
        style="dim",
    )


def _table() -> Table:
    return Table(show_header=False, box=None, padding=(0, 2, 0, 0))


def _between(median: float, values: Sequence[float], digits: int) -> str:
    """A median, with the lowest and the highest of what it is of."""
    return f"{median:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _workers(count: int) -> str:
    if count == 0:
        return "a worker that ran already"
    return f"{count} worker{'s' if count > 1 else ''}"
