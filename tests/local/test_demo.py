"""The demo: an honest judgement, and nothing left running however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.demo import Example, Result, judge, load, outcome, summary
from worker.errors import Refuse

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "photos"


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Begin the demo."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "pangaea", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_leaves_nothing_when_ended_in_its_middle(number: int) -> None:
    """Ctrl-C and SIGKILL while photos flow: no Kafka, Triton or worker is left."""
    process = start()
    assert process.stdout is not None
    while b"Africa" not in process.stdout.readline():
        assert process.poll() is None
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 3
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    _, left = psutil.wait_procs(family, timeout=20)
    assert left == []


def test_its_json_counts_every_photo() -> None:
    """One line of JSON: every photo has one record and one verdict."""
    process = start("--json")
    said, _ = process.communicate(timeout=120)
    report = json.loads(said)
    assert process.returncode == 0
    verdicts = ("right", "wrong", "undetermined", "rejected")
    assert report["photos"] == report["records"] == sum(report[name] for name in verdicts)
    assert sum(report["reasons"].values()) == report["undetermined"]


def record(photo_id: str, decision: str, best: str) -> dict[str, Any]:
    """A record as far as the judgement reads it."""
    return {
        "photo_id": photo_id,
        "decision": decision,
        "reason": "low_probability" if decision == "undetermined" else None,
        "continents": {slug: {"p": 0.9 if slug == best else 0.01} for slug in ("africa", "asia")},
        "timing": {"total_ms": 30.0},
        "model": {"card": "card-1"},
    }


def test_the_judgement_neither_flatters_nor_hides() -> None:
    """Right, wrong, undetermined and rejected are each counted as what they are."""
    examples = {name: Example(Path(name), "asia") for name in ("a", "b", "c", "d")}
    documents: list[dict[str, Any]] = [
        record("a", "asia", "asia"),
        record("b", "africa", "africa"),
        record("c", "undetermined", "asia"),
        {"photo_id": "d", "reason": "truncated"},
    ]
    report = judge(examples, Result(0.0, first=1.0, documents=documents))
    assert [report[name] for name in ("right", "wrong", "undetermined", "rejected")] == [1, 1, 1, 1]
    assert report["undetermined_with_truth_likeliest"] == 1
    said = summary(report).plain
    for part in ("1 right", "1 wrong", "1 undetermined", "1 rejected", "1 × low_probability"):
        assert part in said


def test_examples_are_what_their_manifest_says(tmp_path: Path) -> None:
    """At least 24 photos over all seven continents; a missing manifest or photo is one sentence."""
    examples = load(EXAMPLES)
    assert len(examples) >= 24
    assert len({example.truth for example in examples.values()}) == 7
    assert outcome({"reason": "empty"}, "asia") == "rejected"
    with pytest.raises(Refuse, match="--photos"):
        load(tmp_path)
    (tmp_path / "manifest.csv").write_text("file,continent\ngone.jpg,asia\n")
    with pytest.raises(Refuse, match=r"gone\.jpg"):
        load(tmp_path)
