"""What a photo and its sender tell, from the envelope to the record: weighed in, never passed on."""

from __future__ import annotations

from typing import Any

import pytest

from local.stack import Stack
from tests.end_to_end.harness import Reader, Worker, event, send_all
from tests.end_to_end.records import check_valid
from tests.worker.prepare.evidence.photographed import photo, position, taken
from worker.record import STREAMS

TOKYO, BERN = (35.68, 139.69), (46.948, 7.447)
ASIA = {"ce_captiontext": "Shibuya, Tokyo, Japan", "ce_timezone": "Asia/Tokyo"}
EVERYWHERE = photo(shot=taken(offset="+09:00"), place=position(*TOKYO))


def said(reader: Reader, stack: Stack, photos: list[tuple[bytes, dict[str, str]]]) -> list[dict[str, Any]]:
    """The records of these photos with what is told of each, in order."""
    send_all(stack.kafka, [(data, event(f"p{n}", **told)) for n, (data, told) in enumerate(photos)])
    seen = reader.until(len(photos))
    check_valid(seen)
    return sorted((each.document for each in seen), key=lambda each: str(each["photo_id"]))


@pytest.mark.usefixtures("worker")
def test_evidence_is_weighed_in_and_named(stack: Stack, reader: Reader, examples: dict[str, bytes]) -> None:
    """Streams that agree move the answer their way; each is there by name, quality and weight alone."""
    plain = next(iter(examples.values()))
    untold, told, own = said(reader, stack, [(plain, {}), (plain, ASIA), (EVERYWHERE, {})])
    assert untold["fused"] is None
    assert not any(each["present"] for each in untold["evidence"]["streams"].values())
    assert told["stage1"] == pytest.approx(untold["stage1"], abs=0.01)
    assert told["fused"]["asia"] > untold["stage1"]["asia"] + 0.2
    assert {slug: each["p"] for slug, each in told["continents"].items()} == told["fused"]
    assert told["conformal"]["validated"] is False
    streams = told["evidence"]["streams"]
    assert list(streams) == list(STREAMS)
    assert {name for name, each in streams.items() if each["present"]} == {"caption", "timezone"}
    assert 0 < streams["timezone"]["weight"] <= 1
    assert own["evidence"]["gps_continent"] == "asia"
    assert max(own["fused"], key=lambda slug: float(own["fused"][slug])) == "asia"


@pytest.mark.usefixtures("worker")
def test_metadata_that_contradict_each_other_are_a_conflict(stack: Stack, reader: Reader) -> None:
    """Bern by position, Tokyo by clock, caption and zone: undetermined, and the reason says why."""
    data = photo(shot=taken(offset="+09:00"), place=position(*BERN))
    (found,) = said(reader, stack, [(data, ASIA)])
    assert (found["decision"], found["reason"]) == ("undetermined", "conflict")
    assert found["conflict"]["flag"] is True
    assert found["conflict"]["metadata"] > 0.5


@pytest.mark.usefixtures("worker")
def test_nonsense_is_no_evidence(stack: Stack, reader: Reader, worker: Worker) -> None:
    """A zone, a language and a caption that say nothing change nothing, and cost no photo."""
    told = {"ce_captiontext": "\u202e" * 900, "ce_languagetag": "x" * 900, "ce_timezone": "../../etc/passwd"}
    (found,) = said(reader, stack, [(photo(), told)])
    assert found["fused"] is None
    assert "passwd" not in worker.said()
