"""Photos by reference through a real worker: from a folder and from an S3 server, and from nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from local.stack import Options, Stack
from tests.end_to_end.conftest import EXAMPLES
from tests.end_to_end.harness import Headers, Reader, Seen, Worker, event, send_all
from tests.end_to_end.records import check_order, check_valid
from worker.record import SLUGS
from worker.topics import REJECTED

PHOTO = (EXAMPLES / "europe-bern.jpg").read_bytes()
LIMIT = len(PHOTO) + 1_000
BUCKET = "canary-bucket"
# What only a reference says, or only the keys: none of it may be seen outside.
CANARIES = ("canary", "AKIA", "SECRET", "X-Amz", "Signature")
ATTEMPTS = 2
KEYS = {
    "PANGAEA_PAYLOAD__S3_ACCESS_KEY_ID": "AKIACANARY",
    "PANGAEA_PAYLOAD__S3_SECRET_ACCESS_KEY": "SECRETCANARY",
}


class Place(NamedTuple):
    """A stack of this module's own, and what its worker may read: folders and a bucket."""

    stack: Stack
    folder: Path
    unmounted: Path
    s3: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A folder and a bucket with a photo, one that is too large, and private neighbours."""
    import boto3  # noqa: PLC0415 - slow to import, for this fixture only
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - likewise

    outside = tmp_path_factory.mktemp("canary-outside")
    folder = outside / "canary-folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "canary.jpg").write_bytes(PHOTO)
    (folder / "canary-large.jpg").write_bytes(PHOTO + bytes(2_000))
    (folder / "canary-link.jpg").symlink_to(outside / "canary-private.jpg")
    (outside / "canary-private.jpg").write_bytes(PHOTO)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEYS["PANGAEA_PAYLOAD__S3_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["PANGAEA_PAYLOAD__S3_SECRET_ACCESS_KEY"],
    )
    for bucket in (BUCKET, "canary-private"):
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="2026/canary.jpg", Body=PHOTO)
        client.put_object(Bucket=bucket, Key="2026/canary-large.jpg", Body=PHOTO + bytes(2_000))
        client.put_object(Bucket=bucket, Key="2025/canary.jpg", Body=PHOTO)
    client.close()
    with Stack.start(Options()) as stack:
        yield Place(stack, folder, outside / "canary-unmounted", f"http://{host}:{port}")
    server.stop()


def settings(place: Place) -> dict[str, str]:
    """A worker's settings: two folders and one prefix of a bucket are allowed."""
    allowed = [f"file://{place.folder}/", f"file://{place.unmounted}/", f"s3://{BUCKET}/2026/"]
    return {
        **KEYS,
        "PANGAEA_KAFKA__BOOTSTRAP": place.stack.kafka,
        "PANGAEA_TRITON__URL": place.stack.triton,
        "PANGAEA_LOG__LEVEL": "debug",
        "PANGAEA_LIMIT__PHOTO_BYTES": str(LIMIT),
        "PANGAEA_PAYLOAD__ALLOW": json.dumps(allowed),
        "PANGAEA_PAYLOAD__ATTEMPTS": str(ATTEMPTS),
        "PANGAEA_PAYLOAD__S3_ENDPOINT": place.s3,
    }


def classify(place: Place, reader: Reader, worker: Worker, items: list[tuple[bytes, Headers]]) -> list[Seen]:
    """Send records in order to one partition; return their results in that order, held to all that holds."""
    already = len(reader.seen)
    sent = send_all(place.stack.kafka, items, partition=0)
    seen = sorted(reader.until(already + len(sent))[already:], key=lambda each: each.source)
    assert [each.source for each in seen] == sent
    check_valid(seen)
    check_order(seen)
    told = [each.raw.decode() + str(each.headers) + str(each.key) for each in seen]
    told += [worker.said(), worker.ask("/metrics")[1], worker.ask("/ready")[1]]
    assert [(canary, text) for canary in CANARIES for text in told if canary in text] == []
    return seen


def by_reference(reference: str) -> tuple[bytes, Headers]:
    """A record without bytes that says where they are."""
    return b"", event("by-reference", ce_dataref=reference)


BY_VALUE = (PHOTO, event("by-value"))


@pytest.fixture(scope="module")
def working(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that may read those places."""
    worker = Worker(settings(place), tmp_path_factory.mktemp("log") / "worker.log").ready()
    yield worker
    assert worker.stop() == 0


@pytest.fixture
def reading(place: Place) -> Iterator[Reader]:
    """Sees what comes out of this module's stack."""
    reader = Reader(place.stack.kafka)
    yield reader
    reader.close()


def test_by_reference_is_answered_as_by_value(place: Place, working: Worker, reading: Reader) -> None:
    """The same photo by value, out of the folder and out of the bucket: the same answer, up to bf16."""
    items = [
        BY_VALUE,
        by_reference(f"file://{place.folder}/sub/canary.jpg"),
        by_reference(f"s3://{BUCKET}/2026/canary.jpg"),
    ]
    value, *references = (each.document for each in classify(place, reading, working, items))
    for document in references:
        for slug in SLUGS:
            assert document["stage1"][slug] == pytest.approx(value["stage1"][slug], abs=0.01)
        assert document["signals"] == value["signals"]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("file://{folder}/../canary-private.jpg", "payload_forbidden"),
        ("file://{folder}/%2e%2e/canary-private.jpg", "payload_forbidden"),
        ("file://{folder}/canary-link.jpg", "payload_forbidden"),
        ("file:///etc/canary", "payload_forbidden"),
        ("s3://canary-private/2026/canary.jpg", "payload_forbidden"),
        ("s3://canary-bucket/2025/canary.jpg", "payload_forbidden"),
        ("s3://canary-bucket/2026/../2025/canary.jpg", "payload_forbidden"),
        ("https://127.0.0.1/canary.jpg", "payload_forbidden"),
        ("file://{folder}/canary-missing.jpg", "payload_unavailable"),
        ("s3://canary-bucket/2026/canary-missing.jpg", "payload_unavailable"),
        ("file://{folder}/canary-large.jpg", "too_large"),
        ("s3://canary-bucket/2026/canary-large.jpg", "too_large"),
    ],
)
def test_what_a_reference_must_not_or_cannot_reach(
    place: Place, working: Worker, reading: Reader, reference: str, reason: str
) -> None:
    """Each ends as one rejection under its reason, quoting nothing, and the photo after it is classified."""
    items = [by_reference(reference.format(folder=place.folder)), BY_VALUE]
    rejected, neighbour = classify(place, reading, working, items)
    assert rejected.topic == REJECTED
    assert rejected.document["reason"] == reason
    assert neighbour.topic != REJECTED


def test_a_store_that_is_away(place: Place, working: Worker, reading: Reader) -> None:
    """Its photos are rejected after their attempts, others are none the worse, and once back it serves."""
    reference = by_reference(f"file://{place.unmounted}/canary.jpg")
    before, rejected, after = classify(place, reading, working, [BY_VALUE, reference, BY_VALUE])
    assert rejected.document["reason"] == "payload_unavailable"
    assert rejected.document["detail"] == f"The photo's store did not answer {ATTEMPTS} times."
    assert REJECTED not in {before.topic, after.topic}
    assert working.ask("/ready")[0] == 200
    place.unmounted.mkdir()
    (place.unmounted / "canary.jpg").write_bytes(PHOTO)
    (found,) = classify(place, reading, working, [reference])
    assert found.topic != REJECTED
