"""The engine summary as a table that people read."""

from __future__ import annotations

from rich.table import Table

from training.engines.agreement import Agreement
from training.engines.graph import Report
from training.engines.summary import Row


def engines(rows: list[Row]) -> Table:
    """One engine a line; milliseconds are of one thread."""
    table = Table(title="Engines of the backbone, beside float32", title_justify="left")
    columns = ("engine", "precision", "ms a photo, batch 1", "batch 8", "same call", "NLL, 95%", "verdict")
    for column in columns:
        table.add_column(column)
    for row in rows:
        times = {one.batch: f"{one.cpu_ms:.1f} cpu, {one.wall_ms:.1f} wall" for one in row.costs}
        same, nll, verdict = _agreed(row.agreement)
        table.add_row(
            row.target,
            row.precision,
            times.get(1, "–"),
            times.get(8, "–"),
            same,
            nll,
            _judged(row, verdict),
        )
    return table


def graphs(reports: dict[str, Report]) -> Table:
    """One model a line, with what speaks against it."""
    table = Table(title="What TensorRT would be given", title_justify="left")
    for column in ("model", "opset", "operators", "quantisers", "problems"):
        table.add_column(column)
    for name, one in reports.items():
        kinds = ", ".join(f"{count} {kind}" for kind, count in one.operators.items())
        table.add_row(name, str(one.opset), kinds, str(one.quantisers), "\n".join(one.problems[:5]) or "none")
    return table


def _judged(row: Row, verdict: str) -> str:
    if row.state == "measured":
        return verdict
    return f"{row.state}; its file on the CPU: {verdict}" if row.agreement else row.state


def _agreed(found: Agreement | None) -> tuple[str, str, str]:
    if found is None:
        return "–", "–", "agreement not measured: give --photos"
    kept = found.clear - found.overturned
    same = f"{kept} of {found.clear} clear, {found.same} of {found.photos} in all"
    return same, f"{found.nll:+.4f} ({found.nll_low:+.4f} to {found.nll_high:+.4f})", found.verdict
