"""Figures as tables for a terminal."""

from __future__ import annotations

from functools import singledispatch

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.figures import Latency, Machine


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


def _workers(count: int) -> str:
    if count == 0:
        return "a worker that ran already"
    return f"{count} worker{'s' if count > 1 else ''}"
