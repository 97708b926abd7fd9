"""`pangaea doctor`."""

from __future__ import annotations

import json

import pytest

from local import doctor, engines, kafka, triton_environment
from local.kafka import Kafka
from tests.local.processes import pangaea
from worker.errors import Refuse


def test_a_line_each_for_people_and_the_same_for_programs() -> None:
    """Every finding is one line; with --json the same names come as one object, and the code agrees."""
    lines = pangaea("doctor").stdout.splitlines()
    done = pangaea("doctor", "--json")
    answer = json.loads(done.stdout)
    assert [line[5:20].strip() for line in lines] == [finding["name"] for finding in answer["findings"]]
    assert done.returncode == (0 if answer["ok"] else 1)
    found = {finding["name"]: finding for finding in answer["findings"]}
    assert found["Java"]["found"].startswith("openjdk")
    assert found["Kafka"]["status"] == "ok"


def test_a_broker_that_is_set_is_asked(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers but lacks topics is a note with the mend; one that does not answer is a failure."""
    monkeypatch.setenv("PANGAEA_KAFKA__BOOTSTRAP", kafka.bootstrap)
    finding = next(finding for finding in doctor.examine() if finding.name == "broker")
    assert finding.status == "note"
    assert finding.mend == "pangaea topics check lists all"


def test_a_server_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address and the setting to mend are named."""
    monkeypatch.setenv("PANGAEA_TRITON__URL", "127.0.0.1:9")
    finding = next(finding for finding in doctor.examine() if finding.name == "server")
    assert (finding.status, finding.mend) == ("fail", "start it, or mend PANGAEA_TRITON__URL")
    assert not doctor.healthy([finding])


def test_what_was_not_fetched_is_a_note_with_the_mend(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty home is no failure: a start would fetch."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    notes = {finding.name: finding.mend for finding in doctor.examine() if finding.status == "note"}
    assert notes.items() >= dict.fromkeys(("Kafka", "Triton", "engines"), doctor.FETCH).items()


def test_fetching_tells_every_failure_and_stops_at_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One part that cannot be fetched does not keep the others from being fetched."""
    fetched: list[str] = []

    def refuse(_meter: object) -> None:
        raise Refuse("the jar could not be downloaded: check the network.")

    monkeypatch.setattr(kafka, "fetch", refuse)
    monkeypatch.setattr(triton_environment, "fetch", lambda _meter: fetched.append("Triton"))
    monkeypatch.setattr(engines, "build", lambda _meter: fetched.append("engines"))
    (failure,) = doctor.fetch()
    assert (failure.found, failure.mend) == ("the jar could not be downloaded", "check the network")
    assert sorted(fetched) == ["Triton", "engines"]
