"""The report of the long run: figures as JSON, and one page with a table, timelines and memory."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from local.page import drawing
from local.page.template import environment
from tests.faults.field import Result
from tests.faults.steady import Steady

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def line(result: Result) -> str:
    """One result in a line for a terminal."""
    audit, wrong = result.audit, result.audit.wrong
    verdict = "exact" if audit.exact else f"WRONG {wrong}"
    took = f", recovery p50 {p50(result):.1f} s, max {longest(result):.1f} s" if result.recoveries else ""
    return f"{audit.sent} photos, {verdict}, {audit.aborted} aborted{took}"


def p50(result: Result) -> float | None:
    """The median recovery in seconds, None where there was nothing to recover from."""
    return statistics.median(result.recoveries) if result.recoveries else None


def longest(result: Result) -> float | None:
    """The longest recovery in seconds, None likewise."""
    return max(result.recoveries, default=None)


def row(result: Result) -> dict[str, Any]:
    """One row of the table, by the names of the JSON file."""
    return {
        "fault": result.fault,
        "what": result.what,
        "repetitions": result.repetitions,
        "records": result.audit.sent,
        **result.audit.wrong,
        "aborted": result.audit.aborted,
        "recovery_p50_s": p50(result),
        "recovery_max_s": longest(result),
        "recovery_limit_s": result.limit,
        "recoveries_s": list(result.recoveries),
        "notes": dict(result.notes),
        "seconds": result.seconds,
    }


def machine() -> dict[str, Any]:
    """What it ran on: without it no figure means anything."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or "unknown",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write(results: Sequence[Result], steady: Steady | None, folder: Path) -> Path:
    """Write `faults.json` and `faults.html` into the folder and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    about = machine()
    figures = {
        "machine": about,
        "faults": [row(result) for result in results],
        "steady": None if steady is None else {**dataclasses.asdict(steady), "growth_mib": steady.growth_mib},
    }
    (folder / "faults.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    page = folder / "faults.html"
    page.write_text(
        environment(HERE)
        .get_template("report.html.j2")
        .render(
            machine=about,
            rows=[row(result) for result in results],
            exact=all(result.audit.exact for result in results),
            timelines=[(result, drawing.one(*timeline(result))) for result in results],
            steady=steady,
            memory=None if steady is None else drawing.one(*memory(steady)),
        ),
        encoding="utf-8",
    )
    return page


def timeline(result: Result) -> drawing.Drawing:
    """Each photo's latency at the moment when it was due, and what happened when."""

    def draw(width: int) -> Figure:
        figure = drawing.canvas(width, 190)
        axes = figure.subplots()
        drawing.quiet(axes)
        due = [at for at, _ in result.latencies]
        axes.scatter(due, [latency for _, latency in result.latencies], s=3, color=drawing.BLUE, linewidths=0)
        for at, what in result.events:
            healed = what == "flows again"
            axes.axvline(at, color=drawing.GREEN if healed else drawing.RED, linewidth=0.8, alpha=0.7)
        axes.set_yscale("log")
        axes.axhline(0.2, color=drawing.MUTED, linewidth=0.6, linestyle=":")
        axes.set_xlabel("seconds of the trial")
        axes.set_ylabel("sent → read, s")
        axes.margins(x=0.01)
        return figure

    return draw, f"Latency of each photo through {result.what}"


def memory(steady: Steady) -> drawing.Drawing:
    """The worker's resident memory while it drains."""

    def draw(width: int) -> Figure:
        figure = drawing.canvas(width, 160)
        axes = figure.subplots()
        drawing.quiet(axes)
        axes.plot([at for at, _ in steady.memory], [size for _, size in steady.memory], color=drawing.BLUE)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seconds of draining")
        axes.set_ylabel("resident, MiB")
        axes.margins(x=0.01)
        return figure

    return draw, f"Memory in front of a backlog of {steady.backlog} photos"
