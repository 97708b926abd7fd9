"""The report says what was found, marks what is wrong, and can be read without the network."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from tests.faults import report
from tests.faults.field import Result
from tests.faults.ledger import Audit
from tests.faults.steady import Steady

CLEAN = Audit(sent=100, committed=100, lost=0, duplicated=0, out_of_order=0, stray=0, aborted=7)
RESULT = Result(
    fault="killed",
    what="worker killed <at random>",
    repetitions=2,
    audit=CLEAN,
    recoveries=(6.0, 8.0),
    limit=9.0,
    seconds=30.0,
    events=((3.0, "worker killed"), (9.0, "flows again")),
    latencies=((0.0, 0.05), (1.0, 0.04), (4.0, 5.0)),
    notes={"rejected without need": 0},
)
STEADY = Steady(
    backlog=200_000, published=3_000, memory=((0.0, 120.0), (30.0, 121.0), (60.0, 122.0)), idle_core=0.004
)


def test_the_figures_are_under_their_names(tmp_path: Path) -> None:
    """The JSON file has a row a fault, the machine, and what holds without a fault."""
    report.write([RESULT], STEADY, tmp_path)
    figures = json.loads((tmp_path / "faults.json").read_text())
    (row,) = figures["faults"]
    assert (row["records"], row["lost"], row["duplicated"], row["out_of_order"]) == (100, 0, 0, 0)
    assert (row["recovery_p50_s"], row["recovery_max_s"]) == (7.0, 8.0)
    assert figures["machine"]["cores"]
    assert figures["steady"]["growth_mib"] == 2.0


def test_a_clean_page(tmp_path: Path) -> None:
    """Nothing is marked; each fault has its timeline; nothing is fetched from anywhere."""
    page = report.write([RESULT], STEADY, tmp_path).read_text()
    assert "In = out" in page
    assert 'class="wrong"' not in page
    assert page.count("<svg") == 2
    assert "worker killed &lt;at random&gt;" in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]+"', page) == []


def test_what_is_wrong_is_marked(tmp_path: Path) -> None:
    """A lost photo and a recovery that took too long stand out."""
    bad = replace(RESULT, audit=replace(CLEAN, lost=3), recoveries=(6.0, 9.5))
    page = report.write([bad], None, tmp_path).read_text()
    assert "some account is not exact" in page.lower()
    assert page.count('class="wrong"') == 2
