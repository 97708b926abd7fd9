"""What stands in the way of a start, or of going on, is said in one sentence with the mend."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from local.kafka import Kafka
from local.stack import Stack
from tests.end_to_end.conftest import ROOT, Start
from tests.end_to_end.harness import free_port, wait_until
from worker.clients import topics

MODELS = ROOT / "triton_models"


def ends_with(said: str) -> str:
    """The last line that a process said."""
    return said.strip().splitlines()[-1]


def test_no_broker(start: Start) -> None:
    """No Kafka: it waits as long as it is told to, then ends with exit code 1 and the mend."""
    worker = start(PANGAEA_KAFKA__BOOTSTRAP=f"127.0.0.1:{free_port()}", PANGAEA_LIFE__START_PATIENCE_MS="500")
    assert worker.ended(30) == 1
    assert "no Kafka broker answers at 127.0.0.1:" in ends_with(worker.said())
    assert "`pangaea up`" in ends_with(worker.said())
    assert "Traceback" not in worker.said()


def test_no_triton(start: Start) -> None:
    """No Triton: likewise."""
    worker = start(PANGAEA_TRITON__URL=f"127.0.0.1:{free_port()}", PANGAEA_LIFE__START_PATIENCE_MS="500")
    assert worker.ended(30) == 1
    assert "no Triton serves continent at 127.0.0.1:" in ends_with(worker.said())


def test_no_topic(start: Start) -> None:
    """A missing topic: likewise, and the command that creates it is named."""
    worker = start(PANGAEA_KAFKA__PHOTOS_TOPIC="fotos", PANGAEA_LIFE__START_PATIENCE_MS="500")
    assert worker.ended(30) == 1
    assert "fotos" in ends_with(worker.said())
    assert "`pangaea topics create`" in ends_with(worker.said())


def test_a_bare_broker(start: Start, tmp_path: Path) -> None:
    """Told to, the worker creates every topic as it should be, is ready, and finds them the next time."""
    with Kafka.start(tmp_path / "kafka") as kafka:
        here = {
            "PANGAEA_KAFKA__BOOTSTRAP": kafka.bootstrap,
            "PANGAEA_KAFKA__PARTITIONS": "3",
            "PANGAEA_LIFE__START_PATIENCE_MS": "3000",
        }
        untold = start(**here)
        assert untold.ended(30) == 1
        assert "--create-topics" in ends_with(untold.said())
        told = start(("--create-topics",), **here).ready()
        wait_until(lambda: told.metric("pangaea_partitions_assigned") == 3, 30, "the assignment")
        assert topics.check(kafka.bootstrap, partitions=3) == []
        assert told.stop() == 0
        again = start(PANGAEA_KAFKA__CREATE_TOPICS="true", **here).ready()
        assert again.stop() == 0
        assert [each["event"] for each in again.events()].count("topics_created") == 0


def test_what_is_missing_is_waited_for(start: Start) -> None:
    """While it waits it is alive, not ready, says so once, and stops when asked to."""
    worker = start(PANGAEA_TRITON__URL=f"127.0.0.1:{free_port()}")
    wait_until(lambda: "no Triton serves" in worker.said(), 30, "the reason for waiting")
    assert worker.ask("/live")[0] == 200
    assert worker.ask("/ready")[0] == 503
    assert worker.stop(signal.SIGTERM) == 0
    assert worker.said().count("no Triton serves") == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PANGAEA_LIMIT__IN_FLIGHT": "0"}, "PANGAEA_LIMIT__IN_FLIGHT"),
        ({"PANGAEA_KAFKA__PROTOCOL": "pigeon"}, "PANGAEA_KAFKA__PROTOCOL"),
        ({"PANGAEA_KAFKA__BOOTSRAP": "x:1"}, "PANGAEA_KAFKA__BOOTSRAP"),
        ({"PANGAEA_INSTANCE": "../etc"}, "PANGAEA_INSTANCE"),
        ({"PANGAEA_KAFAK__GROUP": "x"}, "did you mean PANGAEA_KAFKA?"),
    ],
)
def test_wrong_settings(start: Start, settings: dict[str, str], said: str) -> None:
    """A value out of range or a misspelt name: exit code 2, and the variable is named."""
    worker = start(**settings)
    assert worker.ended(30) == 2
    assert said in ends_with(worker.said())


def test_a_taken_health_port(start: Start) -> None:
    """Two workers cannot serve health at one port: the second says so."""
    first = start().ready()
    second = start(PANGAEA_SERVE__PORT=str(first.port))
    assert second.ended(30) == 1
    assert "PANGAEA_SERVE__PORT" in ends_with(second.said())


def test_a_live_name_twice(start: Start) -> None:
    """Two workers of one name would fence each other for ever: the second is refused."""
    first = start(PANGAEA_INSTANCE="twin").ready()
    second = start(PANGAEA_INSTANCE="twin")
    assert second.ended(30) == 1
    assert "PANGAEA_INSTANCE" in ends_with(second.said())
    assert first.process.poll() is None


def changed_card(folder: Path, **changes: Any) -> Path:
    """The committed card with something changed, golden photos beside it."""
    shutil.copytree(MODELS / "continent" / "golden", folder / "golden")
    card = json.loads((MODELS / "continent" / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | changes))
    return folder / "card.json"


def test_an_engine_of_other_weights(start: Start, tmp_path: Path) -> None:
    """An engine that was not made from the card's files is refused, whatever it answers."""
    sources = json.loads((MODELS / "continent" / "card.json").read_text())["sources"]
    sources["efficientnet"]["sha256"] = "0" * 64
    worker = start(PANGAEA_CARD=str(changed_card(tmp_path, sources=sources)))
    assert worker.ended(30) == 1
    assert "was not made from the file that the card" in ends_with(worker.said())


def test_requests_larger_than_the_engine_takes(start: Start) -> None:
    """More photos a request than the engine's batch holds: refused at the start, with the largest number."""
    worker = start(PANGAEA_TRITON__PHOTOS_PER_REQUEST="9")
    assert worker.ended(30) == 1
    assert "PANGAEA_TRITON__PHOTOS_PER_REQUEST to 8 or less" in ends_with(worker.said())


def test_an_engine_without_calibration(start: Start, tmp_path: Path) -> None:
    """A precision that the card has no calibration for is refused."""
    worker = start(PANGAEA_CARD=str(changed_card(tmp_path, precisions={})))
    assert worker.ended(30) == 1
    assert "has no calibration for" in ends_with(worker.said())


def test_wrong_golden_answers(start: Start, tmp_path: Path) -> None:
    """An engine that answers known photos otherwise than the card says is refused."""
    golden = json.loads((MODELS / "continent" / "card.json").read_text())["golden"]
    probabilities = golden["photos"][0]["probabilities"]
    golden["photos"][0]["probabilities"] = {slug: 1 - p for slug, p in probabilities.items()}
    worker = start(PANGAEA_CARD=str(changed_card(tmp_path, golden=golden)))
    assert worker.ended(30) == 1
    assert "off on the golden photo" in ends_with(worker.said())


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "the model card is wrong"), ('{"schema": "other"}', "the model card is wrong at")],
)
def test_a_broken_card(start: Start, tmp_path: Path, text: str, said: str) -> None:
    """A card that cannot be read is no recipe."""
    (tmp_path / "card.json").write_text(text)
    worker = start(PANGAEA_CARD=str(tmp_path / "card.json"))
    assert worker.ended(30) == 1
    assert said in ends_with(worker.said())


def test_a_missing_card(start: Start, tmp_path: Path) -> None:
    """So is one that is not there; the setting is named."""
    worker = start(PANGAEA_CARD=str(tmp_path / "nowhere.json"))
    assert worker.ended(30) == 1
    assert "PANGAEA_CARD" in ends_with(worker.said())


def test_narrow_outputs(start: Start, stack: Stack) -> None:
    """An input wider than the outputs has partitions whose results would have no place: refused."""
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415 - one test needs it

    admin = AdminClient({"bootstrap.servers": stack.kafka})
    admin.create_topics([NewTopic("photos-wide", 7)])["photos-wide"].result(60)
    worker = start(PANGAEA_KAFKA__PHOTOS_TOPIC="photos-wide")
    assert worker.ended(30) == 1
    assert "fewer partitions than photos-wide" in ends_with(worker.said())
