"""Figures survive their file; a file that is not ours is refused in one sentence that says why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Latency
from bench.report import saved
from bench.report.saved import Figures
from tests.bench import invented
from worker.errors import Refuse

EVERY: dict[str, Callable[[], Figures]] = {
    "limit": invented.limit,
    "latency": invented.latency,
    "sweep": invented.sweep,
    "peers": invented.peers,
}


@pytest.mark.parametrize("kind", sorted(EVERY))
def test_what_is_written_is_read_back(kind: str, tmp_path: Path) -> None:
    """Each kind of figures comes back equal in every field, and is written into a folder that is made."""
    figures = EVERY[kind]()
    path = tmp_path / "new" / "figures.json"
    saved.write(figures, path)
    assert saved.read(path) == figures


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    latency=st.builds(
        Latency,
        machine=st.just(invented.MACHINE),
        rate=NUMBERS,
        throughput=NUMBERS,
        p99_ms=NUMBERS,
        stages=st.just(()),
        histogram=st.lists(st.tuples(NUMBERS, st.integers(1))).map(tuple),
        cpu_ms_per_photo=st.dictionaries(st.text(), NUMBERS),
        memory_mib=st.dictionaries(st.text(), NUMBERS),
        **dict.fromkeys(("max_ms", "generator_lag_ms", "seconds", "warm_up_seconds"), NUMBERS),
        **dict.fromkeys(("p50_ms", "p90_ms", "p999_ms", "generator_lag_max_ms"), NUMBERS),
    )
)
def test_any_figures_come_back(latency: Latency) -> None:
    """Whatever the numbers and names are: text of JSON and back changes nothing."""
    assert saved.figures_of(json.loads(json.dumps(latency.document()))) == latency


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    """The file stays JSON for every reader, and an unknown value stays unknown."""
    path = tmp_path / "latency.json"
    saved.write(replace(invented.latency(), p99_ms=math.nan), path)
    assert "NaN" not in path.read_text()
    assert json.loads(path.read_text())["p99_ms"] is None
    read = saved.read(path)
    assert isinstance(read, Latency)
    assert math.isnan(read.p99_ms)


def _without(document: dict[str, Any]) -> None:
    del document["p99_ms"]


def _with_more(document: dict[str, Any]) -> None:
    document["p98_ms"] = 3.0


def _with_words(document: dict[str, Any]) -> None:
    document["sent"] = "many"


def _with_a_truth_for_a_number(document: dict[str, Any]) -> None:
    document["rate"] = True


def _with_a_broken_pair(document: dict[str, Any]) -> None:
    document["histogram"][3] = [1.0]


def _with_a_strange_machine(document: dict[str, Any]) -> None:
    document["machine"]["commit"] = None


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (_without, "p99_ms is missing"),
        (_with_more, "p98_ms is not known"),
        (_with_words, "sent is not int"),
        (_with_a_truth_for_a_number, "rate is not float"),
        (_with_a_broken_pair, r"histogram\[3\] is not"),
        (_with_a_strange_machine, "machine.commit is not str"),
    ],
)
def test_a_spoilt_file_is_refused(
    spoil: Callable[[dict[str, Any]], None], place: str, tmp_path: Path
) -> None:
    """The sentence names the file and the place in it."""
    path = tmp_path / "latency.json"
    saved.write(invented.latency(), path)
    document = json.loads(path.read_text())
    spoil(document)
    path.write_text(json.dumps(document))
    with pytest.raises(Refuse, match=f"latency.json .*{place}"):
        saved.read(path)


def test_a_sweep_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """The top level repeats the first number of workers: one that was changed by hand is found out."""
    path = tmp_path / "sweep.json"
    saved.write(invented.sweep(), path)
    document = json.loads(path.read_text())
    document["max_rate"] *= 2
    path.write_text(json.dumps(document))
    with pytest.raises(Refuse, match="max_rate is not what its workers have"):
        saved.read(path)


def test_peers_are_a_list_that_needs_no_other_file(tmp_path: Path) -> None:
    """Whoever reads them goes through a list; each has its figures, and the machine that they are of."""
    path = tmp_path / "peers.json"
    saved.write(invented.peers(), path)
    for each, peer in zip(json.loads(path.read_text()), invented.peers().peers, strict=True):
        for name in ("name", "guarantees", "rate", "p99_ms", "overhead_us"):
            assert each[name] == getattr(peer, name)
        assert each["machine"]["processor"] == invented.MACHINE.processor
        assert each["notes"] == [*invented.peers().notes]


@pytest.mark.parametrize("name", ["machine", "mix", "notes"])
def test_peers_of_two_runs_in_one_list_are_refused(name: str, tmp_path: Path) -> None:
    """They were not measured side by side: the sentence says which of them does not belong."""
    path = tmp_path / "peers.json"
    saved.write(invented.peers(), path)
    document = json.loads(path.read_text())
    document[2][name] = "another"
    path.write_text(json.dumps(document))
    with pytest.raises(Refuse, match=rf"\[2\]\.{name} is not what \[0\] has"):
        saved.read(path)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "[3]", "[{}]", "{}", '{"faults": []}', '{"workers": {}}']
)
def test_a_file_of_somebody_else_is_refused(text: str, tmp_path: Path) -> None:
    """Whatever it holds: a sentence, never a traceback."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(Refuse, match=r"other\.json"):
        saved.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The sentence says so."""
    with pytest.raises(Refuse, match="cannot be read"):
        saved.read(tmp_path / "gone.json")
