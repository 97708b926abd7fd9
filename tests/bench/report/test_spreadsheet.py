"""The CSV file has perf_analyzer's columns, a row a probe, and no value that was not measured."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from bench.report import spreadsheet
from bench.report.saved import Figures
from tests.bench import invented

HEADER = (
    "Request Rate,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,"
    "Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency"
)
"""As perf_analyzer writes it for a range of request rates."""


def rows(path: Path, *figures: Figures) -> list[dict[str, str]]:
    """What a reader finds in the file of these figures."""
    spreadsheet.write(figures, path)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_first_columns_are_perf_analyzers(tmp_path: Path) -> None:
    """In its words and order; ours come after."""
    path = tmp_path / "new" / "figures.csv"
    rows(path, invented.latency())
    assert path.read_text().startswith(HEADER + ",")


def test_a_run_is_a_row_in_microseconds(tmp_path: Path) -> None:
    """Rate, latencies and stages stand in their columns; what nothing measures is empty."""
    run = invented.latency(60)
    (row,) = rows(tmp_path / "figures.csv", run)
    assert float(row["Request Rate"]) == run.rate
    assert float(row["Inferences/Second"]) == pytest.approx(run.throughput, abs=0.001)
    for column, value in (("p50", run.p50_ms), ("p90", run.p90_ms), ("p99", run.p99_ms)):
        assert float(row[f"{column} latency"]) == pytest.approx(1000 * value, abs=1)
    assert run.p90_ms <= float(row["p95 latency"]) / 1000 <= run.p99_ms
    queue, decode, infer, publish, commit = run.stages
    assert float(row["Server Queue"]) == pytest.approx(1000 * queue.p50_ms, abs=1)
    assert float(row["Server Compute Input"]) == pytest.approx(1000 * decode.p50_ms, abs=1)
    assert float(row["Server Compute Infer"]) == pytest.approx(1000 * infer.p50_ms, abs=1)
    assert float(row["Server Compute Output"]) == pytest.approx(1000 * publish.p50_ms, abs=1)
    assert float(row["Network+Server Send/Recv"]) == pytest.approx(1000 * commit.p50_ms, abs=1)
    assert row["Client Send"] == row["Client Recv"] == ""
    assert row["Component statistic"] == "median"
    assert row["Commit"] == invented.MACHINE.commit


def test_a_sweep_is_a_row_a_probe(tmp_path: Path) -> None:
    """Every probe, the ones at 80%, and the parts of its limit; rows rise by throughput."""
    sweep = invented.sweep()
    found = rows(tmp_path / "figures.csv", sweep)
    by_run = [row["Run"] for row in found]
    assert by_run.count("probe") == sum(len(each.probes) for each in sweep.sustained)
    assert by_run.count("at 80 percent") == 2
    assert by_run.count("part alone") == len(sweep.limit.parts)
    throughput = [float(row["Inferences/Second"] or row["Request Rate"]) for row in found]
    assert throughput == sorted(throughput)


def test_peers_do_not_mix_their_two_runs(tmp_path: Path) -> None:
    """Throughput at saturation and p99 at a fixed rate were measured apart, and are rows apart."""
    found = rows(tmp_path / "figures.csv", invented.peers())
    assert len(found) == 2 * len(invented.peers().peers)
    assert [row for row in found if row["Inferences/Second"] and row["p99 latency"]] == []


def test_a_run_that_ended_early_claims_no_throughput(tmp_path: Path) -> None:
    """How long it lasted is not known, and it says that it is not valid."""
    run = replace(invented.latency(valid=False), ended_early=True)
    (row,) = rows(tmp_path / "figures.csv", run)
    assert row["Inferences/Second"] == ""
    assert (row["Valid"], row["Why"]) == ("false", run.why)
