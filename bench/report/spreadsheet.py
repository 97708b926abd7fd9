"""Figures as CSV, a row a probe, its first columns those of Triton's perf_analyzer (`-f`, request-rate mode).

Source of the columns and their order: perf_analyzer, docs/measurements_metrics.md, "Visualizing Latency vs.
Throughput"; like there, times are in microseconds and rows rise by throughput. perf_analyzer has one client
and one server; here the server is the whole service, from the record in `photos` to the record on a feed, so
latency runs from the intended send time to the record visible to a read_committed consumer, and

- `Server Queue` is the wait for the decoding, `Server Compute Input` the decoding, `Server Compute Infer` the
  engine, `Server Compute Output` the wait for its turn to be produced; `Network+Server Send/Recv` is all that
  lies outside, from due to sent and from produced to read. perf_analyzer has means there, we the medians of
  the records' own timing (`Component statistic` says so in each row);
- what nothing measures is left empty: `Client Send`, `Client Recv`, and the throughput of a run that was
  ended early.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from bench.figures import Latency, Limit, Peers, Sweep
from bench.report.saved import Figures

PERF_ANALYZER = (
    "Request Rate",
    "Inferences/Second",
    "Client Send",
    "Network+Server Send/Recv",
    "Server Queue",
    "Server Compute Input",
    "Server Compute Infer",
    "Server Compute Output",
    "Client Recv",
    "p50 latency",
    "p90 latency",
    "p95 latency",
    "p99 latency",
)
"""In perf_analyzer's order; tools that read its files find them here."""

OURS = (
    "Run",
    "Subject",
    "Mix",
    "Workers",
    "p99.9 latency",
    "Max latency",
    "Sent",
    "Received",
    "Lost",
    "Doubled",
    "Late",
    "Rejected",
    "Generator lag p99",
    "Generator lag max",
    "Valid",
    "Why",
    "Component statistic",
    "CPU us/photo",
    "Overhead us/record",
    "Cores",
    "Processor",
    "Precision",
    "Commit",
    "At",
)
"""What perf_analyzer has no column for; after these, a column for each process's CPU."""

STAGES = {
    "queue": "Server Queue",
    "decode": "Server Compute Input",
    "infer": "Server Compute Infer",
    "publish": "Server Compute Output",
    "commit": "Network+Server Send/Recv",
}
"""Which stage of ours is which component of theirs."""

Row: TypeAlias = dict[str, str | int | float]


def write(figures: Sequence[Figures], path: Path) -> None:
    """Write all rows of the figures as `path`, with its folders."""
    rows = sorted((row for each in figures for row in rows_of(each)), key=_throughput)
    processes = sorted({name for row in rows for name in row if name.startswith("CPU us/photo ")})
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*PERF_ANALYZER, *OURS, *processes], restval="")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: value for name, value in row.items() if _is_known(value)})


def rows_of(figures: Figures) -> Iterator[Row]:
    """Rows of one result: a run is one, of the limit each part is one, of a peer each of its two runs."""
    match figures:
        case Latency():
            yield probe(figures, "latency")
        case Sweep():
            for found in figures.sustained:
                yield from (probe(each, "probe") for each in found.probes)
                yield probe(found.at_80_percent, "at 80 percent")
            yield from rows_of(figures.limit)
        case Limit():
            yield from _parts(figures)
        case Peers():
            yield from _peers(figures)


def probe(run: Latency, name: str) -> Row:
    """One open-loop run as a row."""
    row = _about(run, name) | {
        "Subject": run.subject,
        "Workers": run.workers,
        "Request Rate": run.rate,
        "Inferences/Second": math.nan if run.ended_early else _round(run.throughput),
        "p50 latency": _microseconds(run.p50_ms),
        "p90 latency": _microseconds(run.p90_ms),
        "p95 latency": _microseconds(quantile(run.histogram, 0.95)),
        "p99 latency": _microseconds(run.p99_ms),
        "p99.9 latency": _microseconds(run.p999_ms),
        "Max latency": _microseconds(run.max_ms),
        "Sent": run.sent,
        "Received": run.received,
        "Lost": run.lost,
        "Doubled": run.doubled,
        "Late": run.late,
        "Rejected": run.rejected,
        "Generator lag p99": _microseconds(run.generator_lag_ms),
        "Generator lag max": _microseconds(run.generator_lag_max_ms),
        "Valid": str(run.valid).lower(),
        "Why": run.why,
        "CPU us/photo": _microseconds(sum(run.cpu_ms_per_photo.values())),
    }
    components = {
        STAGES[stage.name]: _microseconds(stage.p50_ms) for stage in run.stages if stage.name in STAGES
    }
    cpu = {f"CPU us/photo {name}": _microseconds(value) for name, value in run.cpu_ms_per_photo.items()}
    return row | components | cpu | ({"Component statistic": "median"} if components else {})


def quantile(histogram: Sequence[tuple[float, int]], share: float) -> float:
    """The upper edge of the bucket in which this share of all is reached; not a number if there are none.

    >>> quantile(((1.0, 94), (2.0, 1), (9.0, 5)), 0.95)
    2.0
    """
    needed = share * sum(times for _, times in histogram)
    seen = 0
    for edge, times in histogram:
        seen += times
        if seen >= needed:
            return edge
    return math.nan


def _parts(limit: Limit) -> Iterator[Row]:
    for part in limit.parts:
        yield _about(limit, "part alone") | {
            "Subject": part.name,
            "Inferences/Second": _round(part.rate),
            "CPU us/photo": _microseconds(part.cpu_ms_total),
            "Sent": part.photos,
            **{f"CPU us/photo {name}": _microseconds(value) for name, value in part.cpu_ms.items()},
        }


def _peers(peers: Peers) -> Iterator[Row]:
    for peer in peers.peers:
        about = {"Subject": f"{peer.name} {peer.version}".strip()}
        yield (
            _about(peers, "saturation")
            | about
            | {
                "Inferences/Second": _round(peer.rate),
                "Overhead us/record": _round(peer.overhead_us),
            }
        )
        yield (
            _about(peers, "fixed rate")
            | about
            | {
                "Request Rate": peer.p99_rate,
                "p99 latency": _microseconds(peer.p99_ms),
                "Received": sum(peer.p99_photos),
            }
        )


def _about(figures: Latency | Limit | Peers, run: str) -> Row:
    about = figures.machine
    return {
        "Run": run,
        "Mix": figures.mix,
        "Cores": f"{about.cores:g}",
        "Processor": about.processor,
        "Precision": about.precision,
        "Commit": about.commit,
        "At": about.at,
    }


def _throughput(row: Row) -> float:
    return next(
        (value for name in PERF_ANALYZER[1::-1] if _is_known(value := float(row.get(name, math.nan)))), 0.0
    )


def _microseconds(milliseconds: float) -> float:
    return _round(1000 * milliseconds, 0)


def _round(value: float, digits: int = 3) -> float:
    return round(value, digits) if math.isfinite(value) else value


def _is_known(value: str | float) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
