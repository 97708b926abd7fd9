"""Photos by reference, from real files and a real S3-like server, and from servers that misbehave."""

from __future__ import annotations

import asyncio
import http.server
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from worker.edges.metrics import Metrics
from worker.edges.payload import PayloadStore
from worker.errors import PangaeaError, Refuse, Reject, Retry
from worker.settings import PayloadSettings

LIMIT = 100_000
PHOTO = b"\xff\xd8\xff" + bytes(5_000)


def fetch(store: PayloadStore, dataref: str, *, seconds: float = 5.0) -> bytes:
    """Fetch in an event loop of its own."""
    return asyncio.run(store.fetch(dataref, timeout=seconds))


def reason(store: PayloadStore, dataref: str, *, seconds: float = 5.0) -> str:
    """What comes of a fetch that fails: the reject reason, or `retry`; its sentence quotes nothing."""
    with pytest.raises(PangaeaError) as caught:
        fetch(store, dataref, seconds=seconds)
    for secret in ("canary", "AKIA", "SECRET", "127.0.0.1", "Signature"):
        assert secret not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.reason if isinstance(caught.value, Reject) else type(caught.value).__name__.lower()


def test_it_is_off_by_default() -> None:
    """Without an allow-list every reference is forbidden, and obstore is not even needed."""
    store = PayloadStore(PayloadSettings(), photo_bytes=LIMIT, metrics=Metrics())
    assert reason(store, "file:///etc/canary") == "payload_forbidden"
    assert reason(store, "s3://photos/canary") == "payload_forbidden"


@pytest.mark.parametrize(
    "entry", ["photos", "s3://", "s3://bucket/../x", "https://host/", "file:///srv/%2e/"]
)
def test_a_wrong_allow_list_refuses_to_start(entry: str) -> None:
    """A prefix that cannot be read stops the worker at the start, with the mend."""
    with pytest.raises(Refuse, match="PANGAEA_PAYLOAD__ALLOW"):
        PayloadStore(PayloadSettings(allow=(entry,)), photo_bytes=LIMIT, metrics=Metrics())


# --- files --------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of photos beside one that is nobody's business."""
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    (photos / "sub" / "a b.jpg").write_bytes(PHOTO)
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "exact.jpg").write_bytes(bytes(LIMIT))
    (photos / "large.jpg").write_bytes(bytes(LIMIT + 1))
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "canary.jpg").write_bytes(b"private")
    (photos / "link.jpg").symlink_to(tmp_path / "private" / "canary.jpg")
    (photos / "inside.jpg").symlink_to(photos / "empty.jpg")
    (photos / "linked").symlink_to(tmp_path / "private")
    os.mkfifo(photos / "pipe.jpg")
    return photos


@pytest.fixture
def files(root: Path) -> Iterator[PayloadStore]:
    """A store that may read that folder and nothing else."""
    store = PayloadStore(PayloadSettings(allow=(f"file://{root}/",)), photo_bytes=LIMIT, metrics=Metrics())
    yield store
    store.close()


def test_a_file_is_read(files: PayloadStore, root: Path) -> None:
    """Bytes come whole, up to exactly the limit; an empty file is empty, which the path rejects."""
    assert fetch(files, f"file://{root}/sub/a%20b.jpg") == PHOTO
    assert fetch(files, f"file://{root}/exact.jpg") == bytes(LIMIT)
    assert fetch(files, f"file://{root}/empty.jpg") == b""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("canary-missing.jpg", "payload_unavailable"),
        ("empty.jpg/canary", "payload_unavailable"),
        ("x" * 300, "payload_unavailable"),
        ("sub", "payload_forbidden"),
        ("link.jpg", "payload_forbidden"),
        ("inside.jpg", "payload_forbidden"),
        ("linked/canary.jpg", "payload_forbidden"),
        ("pipe.jpg", "payload_forbidden"),
        ("../private/canary.jpg", "payload_forbidden"),
        ("%2e%2e/private/canary.jpg", "payload_forbidden"),
        ("large.jpg", "too_large"),
    ],
)
def test_what_is_not_a_photo_below_the_root_is_not_read(
    files: PayloadStore, root: Path, path: str, expected: str
) -> None:
    """Links (even inward), pipes, folders and traversal are forbidden; a missing file is unavailable."""
    assert reason(files, f"file://{root}/{path}") == expected


def test_an_unmounted_root_is_an_outage(tmp_path: Path) -> None:
    """When the folder itself is gone, photos wait instead of being rejected one after the other."""
    store = PayloadStore(
        PayloadSettings(allow=(f"file://{tmp_path}/absent/",)), photo_bytes=LIMIT, metrics=Metrics()
    )
    assert reason(store, f"file://{tmp_path}/absent/canary.jpg") == "retry"


# --- a real S3-like server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A local S3 server (moto) on loopback with one bucket; yields its address."""
    import boto3  # noqa: PLC0415 - slow to import, for this fixture only
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - likewise

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="AKIACANARY",
        aws_secret_access_key="SECRETCANARY",  # noqa: S106 - a made-up key of a local server
    )
    client.create_bucket(Bucket="photos")
    client.put_object(Bucket="photos", Key="2026/a bü+.jpg", Body=PHOTO)
    client.put_object(Bucket="photos", Key="2026/large.jpg", Body=bytes(LIMIT + 1))
    yield address
    client.close()
    server.stop()


def bucket(address: str, *, allow: str = "s3://photos/2026/") -> PayloadStore:
    """A store for one bucket at this address, with keys that must not show anywhere."""
    return PayloadStore(
        PayloadSettings.model_validate(
            {
                "allow": (allow,),
                "s3_endpoint": address,
                "s3_access_key_id": "AKIACANARY",
                "s3_secret_access_key": "SECRETCANARY",
            }
        ),
        photo_bytes=LIMIT,
        metrics=Metrics(),
    )


def test_an_object_is_fetched(s3: str) -> None:
    """An S3 server understands the signed request, spaces, umlauts and plus signs in the key included."""
    assert fetch(bucket(s3), "s3://photos/2026/a%20b%C3%BC+.jpg") == PHOTO


@pytest.mark.parametrize(
    ("dataref", "expected"),
    [
        ("s3://photos/2026/canary.jpg", "payload_unavailable"),
        ("s3://photos/2026/large.jpg", "too_large"),
        ("s3://photos/2025/canary.jpg", "payload_forbidden"),
        ("s3://other/2026/canary.jpg", "payload_forbidden"),
    ],
)
def test_what_an_s3_server_does_not_give(s3: str, dataref: str, expected: str) -> None:
    """Missing, too large, or outside the allow-list: each under its reason."""
    assert reason(bucket(s3), dataref) == expected


def test_a_missing_bucket_is_unavailable(s3: str) -> None:
    """An allowed bucket that the store does not have is the store's answer, not an outage."""
    assert (
        reason(bucket(s3, allow="s3://absent-bucket/"), "s3://absent-bucket/canary") == "payload_unavailable"
    )


# --- servers that misbehave ---------------------------------------------------------------------------------


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers by the last part of the path; `asked` remembers every path."""

    asked: ClassVar[list[str]] = []
    release: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        """Answer as the path says."""
        path = self.path.partition("?")[0]
        self.asked.append(path)
        name = path.rsplit("/", 1)[-1]
        answer: Callable[[], None] | None = getattr(self, f"answer_{name}", None)
        if answer is not None:
            answer()
        else:
            self.plain(int(name) if name.isdigit() else 200, b"secret")

    def plain(self, status: int, body: bytes, **headers: str) -> None:
        """Send a status, headers and a body."""
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_redirect(self) -> None:
        """Send the client to another photo on this very server."""
        self.plain(302, b"", Location="/photos/elsewhere")

    def answer_slow(self) -> None:
        """Give one byte of many, then nothing until the test is over."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.wfile.flush()
        self.release.wait(30)

    def answer_silent(self) -> None:
        """Say nothing at all."""
        self.release.wait(30)

    def answer_drip(self) -> None:
        """Give a header line now and then, so that no single read ever times out."""
        for _ in range(300):
            if self.release.wait(0.1):
                return
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" if _ == 0 else b"X-Drip: 1\r\n")
                self.wfile.flush()
            except OSError:
                return

    def answer_oversize(self) -> None:
        """Announce nothing and send without end."""
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(10_000):
                self.wfile.write(bytes(10_000))
        except OSError:
            self.asked.append("stopped early")

    def answer_short(self) -> None:
        """Announce more than is sent."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 10)

    def answer_nonsense(self) -> None:
        """Speak something that is not HTTP."""
        self.wfile.write(b"220 canary ESMTP\r\n")

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def misbehaving() -> Iterator[PayloadStore]:
    """A store whose server misbehaves."""
    Misbehaving.asked.clear()
    Misbehaving.release.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    store = bucket(f"http://127.0.0.1:{server.server_port}", allow="s3://photos/")
    yield store
    Misbehaving.release.set()
    store.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("redirect", "payload_forbidden"),
        ("301", "payload_forbidden"),
        ("400", "payload_unavailable"),
        ("401", "payload_unavailable"),
        ("403", "payload_unavailable"),
        ("404", "payload_unavailable"),
        ("206", "payload_unavailable"),
        ("408", "retry"),
        ("429", "retry"),
        ("500", "retry"),
        ("503", "retry"),
        ("oversize", "too_large"),
        ("short", "retry"),
        ("nonsense", "retry"),
    ],
)
def test_every_answer_has_its_meaning(misbehaving: PayloadStore, name: str, expected: str) -> None:
    """The table of the module's docstring, one row at a time."""
    assert reason(misbehaving, f"s3://photos/canary/{name}") == expected


def test_a_redirect_is_not_followed(misbehaving: PayloadStore) -> None:
    """The place that the store points to is never asked."""
    assert reason(misbehaving, "s3://photos/redirect") == "payload_forbidden"
    assert Misbehaving.asked == ["/photos/redirect"]


@pytest.mark.parametrize("name", ["slow", "silent", "drip"])
def test_a_slow_store_is_left_at_the_deadline(misbehaving: PayloadStore, name: str) -> None:
    """Stalled bodies, silence and dripping headers all end at the deadline, and their threads with them."""
    loop_time = []

    async def timed() -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        with pytest.raises(Retry):
            await misbehaving.fetch(f"s3://photos/{name}", timeout=0.3)
        loop_time.append(clock() - started)

    asyncio.run(timed())
    assert 0.25 < loop_time[0] < 2.0
    started = time.monotonic()
    misbehaving._threads.shutdown(wait=True)
    assert time.monotonic() - started < 2.0


def test_no_server_is_an_outage() -> None:
    """A refused connection is retried, never held against the photo."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = bucket(f"http://127.0.0.1:{taken.getsockname()[1]}", allow="s3://photos/")
        assert reason(store, "s3://photos/canary") == "retry"


def test_credentials_do_not_show() -> None:
    """Neither the settings nor the store print their keys."""
    store = bucket("http://127.0.0.1:1")
    assert "CANARY" not in repr(store._settings) + str(store._settings) + repr(store._stores) + repr(
        vars(store)
    )
