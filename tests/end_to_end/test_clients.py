"""The clients at both ends of the worker, against a real broker; no worker is needed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from jsonschema import Draft202012Validator

from local.kafka import Kafka
from tests.end_to_end.harness import wait_until
from worker.clients import topics
from worker.clients.reading import reader
from worker.clients.replay import Wish, replay
from worker.clients.replay_ledger import GROUP, MARK, Batch, Copier, positions, progress
from worker.errors import Refuse
from worker.record import Partition
from worker.settings import KafkaSettings

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
PARTITIONS = 3
DEADLINE = 30.0
ABSTAINED = {"decision": "undetermined", "reason": "conflict"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker of this module's own, with all topics: others' records would disturb."""
    with Kafka.start(tmp_path_factory.mktemp("kafka")) as kafka:
        topics.create(kafka.bootstrap, partitions=PARTITIONS)
        yield kafka.bootstrap


def pangaea(broker: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pangaea", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(broker),
    )


def environment(broker: str) -> dict[str, str]:
    """The environment in which a command finds the broker."""
    return os.environ | {"PANGAEA_KAFKA__BOOTSTRAP": broker, "PYTHONUTF8": "1"}


def example(name: str, index: int = 0) -> dict[str, Any]:
    """An example record out of its schema."""
    document: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())["examples"][index]
    return document


def everything(broker: str, topic: str, *, committed: bool = True) -> list[Message]:
    """Every record of a topic, by a consumer that shares nothing with the code under test."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "independent",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    messages: list[Message] = []
    open_ends, deadline = PARTITIONS, time.monotonic() + DEADLINE
    while open_ends:
        assert time.monotonic() < deadline
        message = consumer.poll(0.2)
        if message is not None and message.error():
            open_ends -= 1
        elif message is not None:
            messages.append(message)
    consumer.close()
    return messages


def headers_of(message: Message) -> dict[str, str]:
    """A record's headers as text."""
    return {name: value.decode() for name, value in dict(message.headers() or []).items()}  # type: ignore[union-attr] # none is null here


def transact(broker: str, records: dict[str, list[bytes]], *, commit: bool = True) -> None:
    """Write records by topic into partition 1, in one transaction that is committed or aborted."""
    producer = Producer({"bootstrap.servers": broker, "transactional.id": f"test-{uuid.uuid4()}"})
    producer.init_transactions(10)
    producer.begin_transaction()
    for topic, values in records.items():
        for value in values:
            producer.produce(topic, value, partition=1)
    producer.flush(10)
    if commit:
        producer.commit_transaction(10)
    else:
        producer.abort_transaction(10)


def write(broker: str, topic: str, value: bytes | None, **more: Any) -> int:
    """Write one record into partition 1 and return its offset."""
    offsets: list[int] = []
    producer = Producer({"bootstrap.servers": broker})
    producer.produce(
        topic,
        value,
        partition=1,
        on_delivery=lambda _, message: offsets.append(message.offset() or 0),
        **more,
    )
    assert producer.flush(10) == 0
    return offsets[0]


def unique(**changes: object) -> bytes:
    """A valid prediction that can be told from all others, as bytes with telling white space."""
    return json.dumps(
        example("prediction.v1") | {"photo_id": str(uuid.uuid4())} | changes, indent=None
    ).encode()


# --- publish ------------------------------------------------------------------------------------------------


def test_publish_sends_files_as_valid_events_without_their_names(broker: str, tmp_path: Path) -> None:
    """Each file is one record with schema-valid CloudEvents headers, its bytes unchanged, no name."""
    folder = tmp_path / "canary-folder"
    folder.mkdir()
    photos = {folder / f"canary-{i}.jpg": b"\xff\xd8\xff" + bytes([i]) * 100 for i in range(3)}
    for path, data in photos.items():
        path.write_bytes(data)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"file,captiontext,timezone\n{folder / 'canary-1.jpg'},A bridge,Africa/Nairobi\n")

    done = pangaea(
        broker, "publish", str(folder), "--json", "--manifest", str(manifest), "--key", "k", "--repeat", "2"
    )
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({line["id"] for line in printed}) == 6
    found = {headers_of(message)["ce_id"]: message for message in everything(broker, "photos")}
    validator = Draft202012Validator(json.loads((SCHEMAS / "photo.v1.json").read_text()))
    for line in printed:
        message = found[line["id"]]
        assert (message.partition(), message.offset()) == (line["partition"], line["offset"])
        assert message.value() == photos[Path(line["file"])]
        assert message.key() == b"k"
        headers = headers_of(message)
        validator.validate(headers)
        assert headers["content-type"] == "image/jpeg"
        assert ("ce_captiontext" in headers) == line["file"].endswith("canary-1.jpg")
        assert "canary" not in repr(headers)


def test_publish_counts_what_it_cannot_send_and_fails(broker: str, tmp_path: Path) -> None:
    """A file over the limit is told with its name; the others are delivered; the exit code is 1."""
    (tmp_path / "huge.jpg").write_bytes(b"\xff" * (8 * 1024 * 1024 + 1))
    (tmp_path / "limit.jpg").write_bytes(b"\xff" * (8 * 1024 * 1024))
    done = pangaea(broker, "publish", str(tmp_path), "--json")
    assert done.returncode == 1
    assert [Path(json.loads(line)["file"]).name for line in done.stdout.splitlines()] == ["limit.jpg"]
    assert "huge.jpg: not sent" in done.stderr
    assert "1 of 2 photos were not delivered" in done.stderr


def test_publish_keeps_to_its_rate(broker: str, tmp_path: Path) -> None:
    """Eleven photos at 20 a second take at least half a second between first and last."""
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    done = pangaea(
        broker,
        "publish",
        str(tmp_path / "a.jpg"),
        "--repeat",
        "11",
        "--rate",
        "20",
        "--json",
        "--key",
        "rate",
    )
    ids = {json.loads(line)["id"] for line in done.stdout.splitlines()}
    times = [m.timestamp()[1] for m in everything(broker, "photos") if headers_of(m)["ce_id"] in ids]
    assert len(times) == 11
    assert max(times) - min(times) >= 490


def test_publish_without_topic_or_broker_names_the_mend(broker: str, tmp_path: Path) -> None:
    """A missing topic and a missing broker are one sentence each, within seconds, exit code 1."""
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PANGAEA_KAFKA__PHOTOS_TOPIC", "nowhere")
        done = pangaea(broker, "publish", str(tmp_path))
    assert done.returncode == 1
    assert "pangaea topics create" in done.stderr
    start = time.monotonic()
    done = pangaea("127.0.0.1:1", "publish", str(tmp_path))
    assert time.monotonic() - start < 15
    assert done.returncode == 1
    assert done.stderr.startswith("pangaea: no Kafka broker answers at 127.0.0.1:1")
    assert "Traceback" not in done.stderr


# --- tail ---------------------------------------------------------------------------------------------------


def test_tail_prints_committed_records_byte_for_byte_and_no_aborted_ones(broker: str) -> None:
    """--json is the topics' content exactly; what a transaction aborted is not there."""
    committed = {"continent.asia": [unique(), unique()], "continent.undetermined": [unique(**ABSTAINED)]}
    aborted = {"continent.asia": [unique()]}
    transact(broker, aborted, commit=False)
    transact(broker, committed)
    done = pangaea(broker, "tail", "--json", "--from-beginning", "--idle-exit", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.encode().splitlines()
    assert all(value in lines for values in committed.values() for value in values)
    assert aborted["continent.asia"][0] not in lines
    uncommitted = everything(broker, "continent.asia", committed=False)
    assert aborted["continent.asia"][0] in [message.value() for message in uncommitted], "it was written"


def test_tail_reads_plain_lines_feeds_and_counts(broker: str) -> None:
    """Not on a terminal: a plain line a record, of the feeds that are named, ending at --count."""
    transact(broker, {"continent.oceania": [unique(photo_id="here\x1b[2J")], "continent.africa": [unique()]})
    done = pangaea(broker, "tail", "oceania", "--from-beginning", "--count", "1")
    assert done.returncode == 0, done.stderr
    assert "here�[2J" in done.stdout
    assert "0.81 (0.71–0.88)" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_tail_survives_what_is_no_record(broker: str) -> None:
    """A foreign record is a line that says where it lies, not the end."""
    offset = write(broker, "continent.africa.drift", b"not json")
    write(broker, "continent.africa.drift", json.dumps(example("drift.v1")).encode())
    write(broker, "photos.rejected", json.dumps(example("rejection.v1")).encode())
    done = pangaea(broker, "tail", "--rejected", "--drift", "--from-beginning", "--idle-exit", "1")
    assert done.returncode == 0, done.stderr
    assert f"continent.africa.drift/1/{offset} is not a record of Pangaea" in done.stdout
    assert "rejected: truncated" in done.stdout
    assert "entropy 0.62 → 0.93" in done.stdout


@pytest.fixture
def following(broker: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `pangaea tail` from now on, and wait until it reads."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pangaea", "tail", "antarctica", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(broker),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_tail_follows_and_ends_quietly_on_interrupt(
    broker: str, following: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """A record written while it runs appears; Ctrl-C ends it with exit code 0 and no complaint."""
    process = following("--json")
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    seen, deadline = b"", time.monotonic() + DEADLINE
    while not seen:  # it starts at the end: write until it has started
        assert time.monotonic() < deadline
        transact(broker, {"continent.antarctica": [unique()]})
        seen = process.stdout.read() or b""
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=10)
    assert process.returncode == 0
    assert complaints == b""


@pytest.mark.parametrize("form", ["--json", ""])
def test_tail_ends_quietly_when_its_pipe_closes(broker: str, form: str) -> None:
    """`pangaea tail | head -1` ends with exit code 0 on both sides and no complaint."""
    transact(broker, {"continent.africa": [unique() for _ in range(50)]})
    tail = f"{sys.executable} -m pangaea tail africa {form} --from-beginning --idle-exit 20"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {tail} | head -n 1"],
        capture_output=True,
        text=True,
        timeout=15 + DEADLINE,
        check=False,
        env=environment(broker),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_tail_of_an_unknown_feed_is_bad_usage(broker: str) -> None:
    """Exit code 2 and the valid slugs."""
    done = pangaea(broker, "tail", "eurasia")
    assert done.returncode == 2
    assert "north-america" in done.stderr


# --- replay -------------------------------------------------------------------------------------------------


def reject(broker: str, offset: int, reason: str) -> None:
    """Say that the photo at partition 1 and this offset was rejected."""
    document = {
        "photo_id": "p",
        "source": {"topic": "photos", "partition": 1, "offset": offset},
        "reason": reason,
        "detail": "Because.",
    }
    transact(broker, {"photos.rejected": [json.dumps(document).encode()]})


def test_replay_puts_photos_back_once_and_never_in_circles(broker: str) -> None:
    """Same partition, key, headers and bytes; a second run does nothing; a copy rejected again stays out."""
    kafka = KafkaSettings(bootstrap=broker)
    headers = [("ce_id", b"p"), ("x-own", b"\xff\x00")]
    first = write(broker, "photos", b"bytes", key=b"k", headers=headers)
    bare = write(broker, "photos", b"no headers")
    reject(broker, first, "engine_error")
    reject(broker, bare, "engine_error")
    reject(broker, first, "deadline")
    reject(broker, 999_999, "engine_error")

    wish = Wish(reasons=("engine_error",))
    dry = replay(kafka, Wish(reasons=("engine_error",), dry_run=True))
    assert dry.document() == {
        "replayed": {"engine_error": 2},
        "gone": {"engine_error": 1},
        "skipped": {},
    }
    before = len(everything(broker, "photos"))
    assert replay(kafka, wish).document() == dry.document()
    copies = [m for m in everything(broker, "photos") if MARK in dict(m.headers() or [])]
    assert len(everything(broker, "photos")) == before + 2
    assert [(m.partition(), m.key(), m.value()) for m in copies] == [
        (1, b"k", b"bytes"),
        (1, None, b"no headers"),
    ]
    assert copies[0].headers() == [*headers, (MARK, f"photos/1/{first}".encode())]

    assert replay(kafka, wish).total("replayed") == 0, "a second run has nothing left"
    again = copies[0].offset()
    assert again is not None
    reject(broker, again, "engine_error")
    assert replay(kafka, wish).document() == {"replayed": {}, "gone": {}, "skipped": {"engine_error": 1}}

    assert replay(kafka, Wish(reasons=("deadline",), limit=1)).document()["replayed"] == {"deadline": 1}
    done = pangaea(broker, "replay", "--again", "--reason", "engine_error", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "replayed": {"engine_error": 3},
        "gone": {"engine_error": 1},
        "skipped": {},
        "dry_run": False,
    }
    last = max(everything(broker, "photos"), key=lambda m: (m.partition() == 1, m.offset()))
    assert dict(last.headers() or [])[MARK] == f"photos/1/{first}".encode(), (
        "copies of copies keep their origin"
    )
    assert replay(kafka, wish).total("replayed") == 0, "--again does not forget what other runs did"


def test_replay_goes_back_only_so_far(broker: str) -> None:
    """--since leaves older rejections out; a limit stops, and the next run takes the rest."""
    kafka = KafkaSettings(bootstrap=broker)
    offset = write(broker, "photos", b"bytes")
    reject(broker, offset, "payload_unavailable")
    wish = Wish(reasons=("payload_unavailable",), since=time.time() + 3_600)
    assert replay(kafka, wish).total("replayed") == 0
    for _ in range(2):
        reject(broker, offset, "payload_unavailable")
    counts = [
        replay(kafka, Wish(reasons=("payload_unavailable",), limit=2)).total("replayed") for _ in range(3)
    ]
    assert counts == [2, 1, 0]


def test_a_second_replay_ends_the_first(broker: str) -> None:
    """Of two replays at once the later takes over: the earlier commits nothing more and says so."""
    kafka = KafkaSettings(bootstrap=broker)
    home = Partition("photos.rejected", 0)
    with reader(kafka, **{"group.id": GROUP}) as consumer:
        first = Copier(kafka, consumer)
        second = Copier(kafka, consumer)
        noted = Batch(positions={(home, "empty"): 5})
        with pytest.raises(Refuse, match="another `pangaea replay` took over"):
            first.commit(noted, [progress(home, noted.positions)])
        assert positions(consumer, [home], kafka) == {}
        second.commit(noted, [progress(home, noted.positions)])
        assert positions(consumer, [home], kafka) == {(home, "empty"): 5}


# --- topics -------------------------------------------------------------------------------------------------


def test_topics_are_created_once_and_differences_found_and_mended(tmp_path: Path) -> None:
    """Creating is idempotent; check names what differs with the mend and fails; --update mends it."""
    with Kafka.start(tmp_path) as kafka:
        missing = pangaea(kafka.bootstrap, "topics", "check")
        assert missing.returncode == 1
        assert "continent.europe.drift: missing; mend: pangaea topics create" in missing.stdout
        created = pangaea(kafka.bootstrap, "topics", "create", "--partitions", "2", "--json")
        assert len(json.loads(created.stdout)["created"]) == 17
        assert topics.create(kafka.bootstrap, partitions=2) == []
        assert topics.check(kafka.bootstrap) == []

        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        short = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, "continent.asia", incremental_configs=[short])
        for future in admin.incremental_alter_configs([resource]).values():
            future.result()
        # The controller has agreed; the broker, which is asked next, follows a moment later.
        wait_until(
            lambda: any(one.found == "1000" for one in topics.check(kafka.bootstrap)), 30, "the change"
        )
        checked = pangaea(
            kafka.bootstrap, "topics", "check", "--json", "--partitions", "3", "--replication", "1"
        )
        assert checked.returncode == 1
        differences = json.loads(checked.stdout)["differences"]
        assert {
            "topic": "continent.asia",
            "aspect": "retention.ms",
            "wanted": "604800000",
            "found": "1000",
            "mend": "pangaea topics create --update",
        } in differences
        assert sum(one["aspect"] == "partitions" for one in differences) == 17

        with pytest.raises(Refuse, match="has 2 partitions"):
            topics.create(kafka.bootstrap, partitions=3)
        assert len(topics.update(kafka.bootstrap, partitions=3)) == 18
        assert topics.check(kafka.bootstrap, partitions=3) == []


# --- the documentation --------------------------------------------------------------------------------------


def test_the_documented_consumer_runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    """The ten lines of docs/consuming.md, unchanged, read real records and print the page's own output."""
    page = (ROOT / "docs" / "consuming.md").read_text()
    code, output = (
        re.search(pattern, page, re.DOTALL)[1]  # type: ignore[index] # no match fails the test as it should
        for pattern in (r"```python\n(.*?)```", r"```\n(7f9c24e5.*?)```")
    )
    assert len(code.splitlines()) <= 12
    with Kafka.start(tmp_path) as kafka:
        topics.create(kafka.bootstrap, partitions=PARTITIONS)
        named, undetermined = (json.dumps(example("prediction.v1", index)).encode() for index in (0, 1))
        transact(kafka.bootstrap, {"continent.europe": [unique()]}, commit=False)
        transact(kafka.bootstrap, {"continent.europe": [named], "continent.undetermined": [undetermined]})
        done = subprocess.run(
            [sys.executable, "-c", code.replace("poll(10)", "poll(5)")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(kafka.bootstrap),
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == sorted(output.splitlines())


def test_the_documented_pipes_run(broker: str) -> None:
    """The jq lines of docs/consuming.md run on real records, the endless one for a while."""
    if subprocess.run(["which", "jq"], capture_output=True, check=False).returncode:
        pytest.skip("jq is not installed here")
    transact(
        broker,
        {
            "continent.undetermined": [json.dumps(example("prediction.v1", 1)).encode()],
            "photos.rejected": [json.dumps(example("rejection.v1")).encode()],
        },
    )
    page = (ROOT / "docs" / "consuming.md").read_text()
    pipes = [line for line in page.splitlines() if line.startswith("pangaea tail ") and "jq" in line]
    assert len(pipes) == 3
    for pipe in pipes:
        endless = "--idle-exit" not in pipe
        command = pipe.replace("--json", "--json --from-beginning --idle-exit 1") if endless else pipe
        command = command.replace("pangaea", f"{sys.executable} -m pangaea", 1)
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(broker),
        )
        assert done.returncode == 0, (pipe, done.stderr)
        assert done.stdout.strip(), pipe
