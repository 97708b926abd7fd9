"""Every peer really does the job on a real stack; the environments are made once and kept."""

from __future__ import annotations

import ast
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from jsonschema import validate
from typer.testing import CliRunner

from bench import mixes, stand
from bench.app import bench_app
from bench.burst import burst
from bench.contenders import COMMON, PEER_LIST, PEERS, QUIX, ROOT, locked, processes
from bench.contest import Contest, Plan
from bench.entry import fetch, subject
from bench.stand import Stand
from bench.standings import Score
from bench.subject import Team, started
from local.install import silent
from local.stack import Stack
from tests.end_to_end.harness import Reader, wait_until
from training.lock import JOB
from training.places import CARD
from worker.topics import feed

PHOTOS = 6
SCHEMA = orjson.loads((ROOT / "schemas" / "prediction.v1.json").read_bytes())


@pytest.fixture(scope="module")
def place(stack: Stack) -> Stand:
    """The session's stack as a stand."""
    return stand.of(stack)


@pytest.fixture
def reader(place: Stand) -> Iterator[Reader]:
    """Sees every output record from here on."""
    reading = Reader(place.kafka)
    yield reading
    reading.close()


@pytest.mark.parametrize("name", [peer.name for peer in PEER_LIST])
def test_each_answers_every_photo_once_with_the_same_record(name: str, place: Stand, reader: Reader) -> None:
    """As many records as photos, each of the worker's own shape, with the photo's name and what it shows."""
    with started(subject(name, CARD), place, processes(name)) as team:
        found = burst(place, team, mixes.folder("512px"), PHOTOS)
        seen = reader.until(len(found.moments))
        assert found.cpu_ms > 0
    reader.idle(0.3)
    documents = [each.document for each in seen]
    assert sorted(int(each["photo_id"].rpartition("-")[2]) for each in documents) == [*range(len(documents))]
    assert len(documents) == len(found.moments)
    for record in seen:
        validate(record.document, SCHEMA)
        assert record.topic == feed(record.document["decision"])
        assert record.document["model"]["precision"] == place.machine.precision
        assert record.headers["ce_id"] == f"{record.document['photo_id']}/prediction"


def test_one_that_dies_is_out_with_its_reason_and_the_others_go_on(place: Stand) -> None:
    """The contest notes who fell out and why, keeps no figure of it, and measures everybody else."""
    contest = Contest(
        Plan(names=("plain", "arroyo"), rounds=1), silent, {"plain": Score(), "arroyo": Score()}, []
    )

    def deadly(_where: Stand, team: Team, _number: int) -> Score:
        if team.subject.name == "plain":
            os.kill(team.pids[0], signal.SIGKILL)
            wait_until(lambda: not team.children[0].alive, 10, "its end")
        team.check()
        return Score(rates=[1.0])

    contest.round(place, 0, CARD, "rate", deadly)
    contest.round(place, 1, CARD, "latency", deadly)
    assert not contest.scores["arroyo"].failure
    assert contest.scores["arroyo"].rates == [1.0, 1.0]
    assert contest.scores["plain"].rates == []
    assert [note[:45] for note in contest.notes] == ["plain is out, in rate, round 1: plain 0 ended"]


def test_environments_that_are_there_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bench peers --fetch` makes them beforehand; once they are there nothing is fetched any more."""
    for lock in (COMMON, QUIX):
        fetch(lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    assert CliRunner().invoke(bench_app, ["peers", "--fetch"]).exit_code == 0


def test_nobody_of_us_imports_the_peers() -> None:
    """Their frameworks are not installed with us: only their own environments have them."""
    importers = [
        path.relative_to(ROOT).as_posix()
        for name in ("bench", "training", "local", "worker", "tests")
        for path in (ROOT / name).rglob("*.py")
        if PEERS not in path.parents
        and any(_imports_peers(node) for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert importers == []


def _imports_peers(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.startswith("bench.peers") for alias in node.names)
    return isinstance(node, ast.ImportFrom) and str(node.module).startswith("bench.peers")


@pytest.mark.parametrize("lock", [COMMON, QUIX], ids=lambda lock: lock.stem)
def test_the_job_is_done_by_the_same_versions(lock: Path) -> None:
    """What decodes, asks and writes is of the worker's own versions; every package is pinned by hash."""
    ours, theirs = (ROOT / "requirements" / "worker.txt").read_text(), lock.read_text()
    for package in JOB:
        assert locked(theirs, package) == locked(ours, package)
    entries = [line for line in theirs.replace("\\\n", " ").splitlines() if line.strip()]
    assert [line for line in entries if "==" not in line or "--hash=sha256:" not in line] == []
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", theirs)
