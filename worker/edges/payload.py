"""The edge to object stores: photos by reference (claim check), from allowed places only.

obstore finds the credentials and signs; the bytes come over the standard library's HTTP client, because
obstore 0.12 follows redirects and cannot be told not to, and a store that redirects chooses where we go.

What the store's answers mean:

    the place is not allowed, a redirect, a link or no regular file      Reject payload_forbidden
    the store answers that there is no such photo, or not for us (4xx)   Reject payload_unavailable
    larger than the limit, announced or not                              Reject too_large
    no answer, no answer in time, 408, 429, 5xx, root not mounted        Retry: an outage must not cost photos
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import os
import socket
import ssl
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from worker.edges.metrics import Metrics
from worker.errors import Refuse, Reject, Retry
from worker.prepare.dataref import Place, parse, within
from worker.settings import PayloadSettings

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

AT_ONCE: Final = 16
"""Fetches under way at once: each is a thread that mostly waits."""

_CHUNK_BYTES: Final = 256 * 1024
_AWAY_STATUSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class PayloadStore:
    """Fetches photos by reference. With an empty allow-list (the default) every reference is forbidden.

    Args:
        settings: the allow-list, the S3 endpoint and its credentials.
        photo_bytes: the largest photo that is taken.
        metrics: told how many are being fetched.

    Raises:
        Refuse: the allow-list is wrong, or the extra that it needs is not installed.
    """

    def __init__(self, settings: PayloadSettings, *, photo_bytes: int, metrics: Metrics) -> None:
        self._settings = settings
        self._fetching = metrics.fetching
        metrics.fetching_limit.set(AT_ONCE)
        self._limit = photo_bytes
        self._allowed = tuple(map(_allowed, settings.allow))
        buckets = {place.bucket for place in self._allowed if place.scheme == "s3"}
        self._stores = {bucket: _s3(bucket, settings) for bucket in buckets}
        self._tls = ssl.create_default_context()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="payload")

    async def fetch(self, dataref: str, *, timeout: float) -> bytes:  # noqa: ASYNC109 - it also ends the thread
        """Fetch one photo's bytes, within so many seconds.

        Raises:
            Reject: payload_forbidden, payload_unavailable or too_large.
            Retry: the store is away or slow; nothing is the photo's fault.
        """
        place = parse(dataref)
        prefix = within(place, self._allowed)
        fetching = _Fetching(limit=self._limit, ends=time.monotonic() + timeout)
        call = asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, fetching, place, prefix)
        try:
            return await asyncio.wait_for(call, timeout)
        except TimeoutError:
            raise _away("did not answer in time") from None
        finally:
            fetching.abandon()

    def close(self) -> None:
        """Let go of the threads; what is still being fetched is left to its deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, fetching: _Fetching, place: Place, prefix: Place) -> bytes:
        with self._fetching.track_inprogress():
            if place.scheme == "file":
                return fetching.from_file(prefix.key, place.segments[len(prefix.segments) :])
            return fetching.over_http(self._signed(place), self._tls)

    def _signed(self, place: Place) -> str:
        """A URL that holds its own permission; it must never reach a log."""
        import obstore  # noqa: PLC0415 - the claim-check extra

        try:
            return obstore.sign(
                self._stores[place.bucket],
                "GET",
                place.key,
                timedelta(milliseconds=self._settings.timeout_ms),
            )
        except Exception:  # noqa: BLE001 - credentials come from anywhere, and errors there quote URLs
            raise _away("cannot be signed in to") from None


@dataclass(slots=True)
class _Fetching:
    """One fetch in its thread: bounded in bytes and time, and ended from outside by closing its socket."""

    limit: int
    ends: float
    _socket: socket.socket | None = field(default=None, init=False)
    _abandoned: bool = field(default=False, init=False)

    def abandon(self) -> None:
        """End the fetch if it is still going: whoever asked is not waiting any more."""
        self._abandoned = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def over_http(self, url: str, tls: ssl.SSLContext) -> bytes:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=self._left(), context=tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self._left())
        try:
            connection.connect()
            self._socket = connection.sock
            self._left()
            connection.request("GET", f"{parts.path}?{parts.query}")
            # Closed by itself: an answer that ends the connection takes the socket over from it.
            with connection.getresponse() as response:
                return self._body(response)
        except (OSError, http.client.HTTPException):
            # `from None`: these messages may quote the URL, which holds the photo's name and a signature.
            raise _away("did not answer") from None
        finally:
            connection.close()

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        status = response.status
        if 300 <= status < 400:  # noqa: PLR2004 - the redirects of HTTP
            raise Reject("payload_forbidden", "The photo's store redirects elsewhere, which is not followed.")
        if status in _AWAY_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _away(f"answered {status}")
        if status != HTTPStatus.OK:
            raise Reject("payload_unavailable", f"The photo's store answered {status}.")
        if response.length is not None and response.length > self.limit:
            raise _too_large(self.limit)
        body = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > self.limit:
                raise _too_large(self.limit)
            if self._socket is not None:
                self._socket.settimeout(self._left())
        if response.length:
            raise _away("broke off")
        return bytes(body)

    def from_file(self, root: str, segments: tuple[str, ...]) -> bytes:
        """Read below `root` without following a link anywhere below it, even one made meanwhile."""
        with contextlib.ExitStack() as opened:

            def open_below(name: str, flags: int, below: int | None) -> int:
                handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=below)
                opened.callback(os.close, handle)
                return handle

            try:
                # The root itself is the operator's choice, and may be a link.
                here = open_below(f"/{root}", os.O_DIRECTORY, None)
            except OSError:
                raise _away("is not mounted") from None
            try:
                for segment in segments:
                    # Not blocking: opening a named pipe would wait for a writer.
                    here = open_below(segment, os.O_NOFOLLOW | os.O_NONBLOCK, here)
                return self._regular(here)
            except OSError as exc:
                raise _meaning(exc) from None

    def _regular(self, handle: int) -> bytes:
        held = os.fstat(handle)
        if not stat.S_ISREG(held.st_mode):
            raise Reject("payload_forbidden", "The reference leads to something that is not a file.")
        if held.st_size > self.limit:
            raise _too_large(self.limit)
        body = bytearray()
        while chunk := os.read(handle, _CHUNK_BYTES):
            body += chunk
            if len(body) > self.limit:
                raise _too_large(self.limit)
            self._left()
        return bytes(body)

    def _left(self) -> float:
        """Seconds to the deadline."""
        left = self.ends - time.monotonic()
        if left <= 0 or self._abandoned:
            raise _away("did not answer in time")
        return left


def _meaning(exc: OSError) -> Reject | Retry:
    """What a failed step below the root says."""
    if exc.errno == errno.ELOOP:
        return Reject("payload_forbidden", "The reference leads over a link, which is not followed.")
    if exc.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENXIO}:
        return Reject("payload_unavailable", "The reference leads to no photo that can be read.")
    return _away("cannot be read")


def _away(what: str) -> Retry:
    return Retry(f"the photo's store {what}")


def _too_large(limit: int) -> Reject:
    return Reject("too_large", f"The photo is larger than {limit} bytes.")


def _allowed(prefix: str) -> Place:
    """One entry of the allow-list."""
    try:
        return parse(prefix)
    except Reject:
        raise Refuse(
            "PANGAEA_PAYLOAD__ALLOW must list prefixes like s3://bucket/ or file:///srv/photos/.", exit_code=2
        ) from None


def _s3(bucket: str, settings: PayloadSettings) -> S3Store:
    """The signer of one bucket. Without keys, obstore looks where AWS clients look (environment, role)."""
    try:
        from obstore.store import S3Store  # noqa: PLC0415 - the claim-check extra
    except ModuleNotFoundError:
        raise Refuse(
            "s3:// references need the claim-check extra: pip install 'pangaea[claim-check]'."
        ) from None
    options: S3Config = {"region": settings.s3_region}
    if settings.s3_endpoint is not None:
        options["endpoint"] = settings.s3_endpoint
    if settings.s3_access_key_id is not None and settings.s3_secret_access_key is not None:
        options["access_key_id"] = settings.s3_access_key_id.get_secret_value()
        options["secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
    plain = (settings.s3_endpoint or "").startswith("http://")
    return S3Store(bucket, config=options, client_options={"allow_http": plain})
