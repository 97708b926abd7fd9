"""Who takes part: the worker and its peers, in which mode, and what each promises there.

What is promised is what each documents for the mode that it runs in; the files in `bench/peers` show how it
is used. All do the same job by the same functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from worker.errors import Refuse

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = ROOT / "bench" / "peers"
COMMON, QUIX = PEERS / "requirements.txt", PEERS / "requirements-quix.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a contender promises: in one line, and at length."""

    guarantees: str
    delivery: str
    order: str
    bounds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do the job.

    `package` is whose version is told, `lock` its environment's; `module` runs in `mode` with `in_flight`
    photos at once where it can, as so many `processes` of one group; `asks` says how it asks Triton.
    """

    name: str
    package: str
    lock: Path
    module: str
    mode: str
    in_flight: int
    promise: Promise
    asks: str = "one photo a request, one request at once in each process, by the client that waits"
    processes: int = 1

    @property
    def version(self) -> str:
        """The version that its lock names."""
        return locked(self.lock.read_text(encoding="utf-8"), self.package)


PANGAEA: Final = "pangaea"

WORKER: Final = Promise(
    guarantees="exactly once, in order, bounded; what cannot be processed is rejected with a reason",
    delivery="exactly once: results and offsets commit in one Kafka transaction; a moved partition is fenced",
    order="as the photos came, partition by partition, though several are worked on at once",
    bounds="photos and bytes in flight, fetched and produced; a deadline for each photo",
)

WORKER_ASKS: Final = (
    "up to 8 photos a request, those that wait together, several at once, by the asyncio client"
)

_TWICE = "at least once: a crash repeats the photos since the last commit"
_ONE = "as the photos came: one photo at a time"

PEER_LIST: Final = (
    Contender(
        name="quix",
        package="quixstreams",
        lock=QUIX,
        module="quix",
        mode="at-least-once",
        in_flight=1,
        processes=2,
        promise=Promise(
            guarantees="at least once, in order",
            delivery=f"{_TWICE}, five seconds by default",
            order=_ONE,
            bounds="one photo in work a process; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
    Contender(
        name="quix-exactly-once",
        package="quixstreams",
        lock=QUIX,
        module="quix",
        mode="exactly-once",
        in_flight=1,
        processes=2,
        promise=Promise(
            guarantees="exactly once, in order",
            delivery="exactly once: results and offsets commit in one Kafka transaction, every 50 ms here",
            order=_ONE,
            bounds="one photo in work a process; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
    Contender(
        name="faststream",
        package="faststream",
        lock=COMMON,
        module="faststream_app",
        mode="concurrent",
        in_flight=8,
        asks="one photo a request, up to 8 at once, by the asyncio client",
        promise=Promise(
            guarantees="none at a crash, no order",
            delivery="acknowledged when taken (its only mode with max_workers): a crash may lose what is in"
            " work, and repeat what was not committed yet",
            order="none: as the handlers finish",
            bounds="max_workers handlers; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
    Contender(
        name="faststream-batch",
        package="faststream",
        lock=COMMON,
        module="faststream_app",
        mode="batch",
        in_flight=32,
        asks="8 photos a request, up to 4 at once, by the asyncio client",
        promise=Promise(
            guarantees="at least once, in order",
            delivery="at least once: a batch is committed when all its results are published (NACK_ON_ERROR)",
            order="as the photos came: batches one after another, published in their order",
            bounds="one batch in work; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
    Contender(
        name="arroyo",
        package="sentry-arroyo",
        lock=COMMON,
        module="arroyo_app",
        mode="threads",
        in_flight=8,
        asks="one photo a request, up to 8 at once, by the client that waits, in threads (its strategy with"
        " processes was not measured)",
        promise=Promise(
            guarantees="at least once, in order",
            delivery=f"{_TWICE}, one second (ONCE_PER_SECOND); a result is at the broker before that",
            order="as the photos came: threads work at once, results leave in order",
            bounds="pending photos (twice the threads), 10,000 results; 50 MB fetched; back-pressure pauses",
        ),
    ),
    Contender(
        name="plain",
        package="confluent-kafka",
        lock=COMMON,
        module="plain",
        mode="auto-commit",
        in_flight=1,
        processes=2,
        promise=Promise(
            guarantees="nearly at least once, in order",
            delivery="offsets are committed every five seconds: a crash repeats the photos since, and may"
            " lose results that the producer still held",
            order=_ONE,
            bounds="one photo in work a process; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
    Contender(
        name="plain-exactly-once",
        package="confluent-kafka",
        lock=COMMON,
        module="plain",
        mode="exactly-once",
        in_flight=1,
        processes=2,
        promise=Promise(
            guarantees="exactly once, in order, until the first error, which ends it",
            delivery="exactly once: results and offsets commit in one Kafka transaction, every 50 ms here",
            order=_ONE,
            bounds="one photo in work a process; the client's own limit of what is fetched (64 MiB)",
        ),
    ),
)

NAMES: Final = (PANGAEA, *(each.name for each in PEER_LIST))


def chosen(names: str | None) -> tuple[str, ...]:
    """Return the contenders that a list with commas names, all by default, in their own order.

    Raises:
        Refuse: there is no contender of that name, or nobody is named.

    >>> chosen("plain, pangaea")
    ('pangaea', 'plain')
    """
    wanted = set(NAMES) if names is None else {name.strip() for name in names.split(",")} - {""}
    if not wanted:
        raise Refuse(f"--only names nobody: choose from {', '.join(NAMES)}.", exit_code=2)
    for name in sorted(wanted - set(NAMES)):
        raise Refuse(f"there is no contender {name}: choose from {', '.join(NAMES)}.", exit_code=2)
    return tuple(name for name in NAMES if name in wanted)


def locked(lock: str, package: str) -> str:
    r"""Return the version of a package in the text of a lock.

    >>> locked("numpy==2.4.6 \\\n    --hash=sha256:00\n", "numpy")
    '2.4.6'
    """
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    if found is None:
        raise Refuse(f"the lock does not name {package}: renew it with `make lock`.")
    return found[1]


def promised(name: str) -> Promise:
    """Return what a contender promises."""
    return WORKER if name == PANGAEA else peer(name).promise


def versioned(name: str) -> str:
    """Return the version of a contender."""
    return version(PANGAEA) if name == PANGAEA else peer(name).version


def peer(name: str) -> Contender:
    """Return the peer of this name."""
    return next(each for each in PEER_LIST if each.name == name)


def processes(name: str) -> int:
    """Return as how many processes a contender runs."""
    return 1 if name == PANGAEA else peer(name).processes


def asks(name: str) -> str:
    """Return how a contender asks Triton."""
    return WORKER_ASKS if name == PANGAEA else peer(name).asks
