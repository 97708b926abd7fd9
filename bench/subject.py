"""What is measured: how a worker, or a peer, is started, found ready, and which topics it publishes to."""

from __future__ import annotations

import http.client
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from bench.child import InstrumentError
from bench.stand import Stand
from bench.surroundings import surroundings
from local import ports
from local.leash import Leashed, launch
from worker.clients.reading import Log, places
from worker.edges.connection import client_config
from worker.errors import Refuse
from worker.settings import KafkaSettings
from worker.topics import FEED_SLUGS, PHOTOS, REJECTED, feed

READY_SECONDS = 90.0
DRAIN_SECONDS = 20.0
ASK_SECONDS = 5.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The place of one process: stand, consumer group, its number, and a free port of its own."""

    stand: Stand
    group: str
    number: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that turns the topic `photos` into records about them.

    Every record is JSON with `photo_id` (what the photo's `ce_id` was), `decision` (null or missing:
    rejected) and, if it knows, `timing`. Each process joins the group of its seat; where that begins is
    committed beforehand, so it must go on from there. `ready` is asked beyond that every partition is
    assigned. Topics of `outputs` that are missing are created.
    """

    name: str
    outputs: tuple[str, ...]
    command: Callable[[Seat], list[str]]
    environment: Callable[[Seat], Mapping[str, str]]
    ready: Callable[[Seat], bool] = lambda _seat: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The running processes of one subject; none where they are not ours."""

    subject: Subject
    children: tuple[Leashed, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(child.pid for child in self.children)

    def check(self) -> None:
        """See that all of them run.

        Raises:
            Refuse: one has ended; the sentence has the last line of its log.
        """
        for child in self.children:
            if not child.alive:
                said = child.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
                raise Refuse(
                    f"{child.name} ended by itself; it said last: {said[-1]}; its log is {child.log}."
                )


def pangaea(settings: Mapping[str, str] | None = None) -> Subject:
    """Return the worker of this checkout, `pangaea run`; `settings` are more of its environment."""

    def environment(seat: Seat) -> Mapping[str, str]:
        return {
            "PANGAEA_KAFKA__BOOTSTRAP": seat.stand.kafka,
            "PANGAEA_KAFKA__GROUP": seat.group,
            "PANGAEA_TRITON__URL": seat.stand.triton,
            "PANGAEA_INSTANCE": f"{seat.group}-{seat.number}",
            "PANGAEA_SERVE__PORT": str(seat.port),
            **(settings or {}),
        }

    return Subject(
        name="pangaea",
        outputs=(*(feed(slug) for slug in FEED_SLUGS), REJECTED),
        command=lambda _seat: [sys.executable, "-m", "pangaea", "run"],
        environment=environment,
        ready=_answers_ready,
    )


@contextmanager
def started(subject: Subject, stand: Stand, workers: int) -> Iterator[Team]:
    """Start so many processes of a subject and hold them from when they have all partitions between them.

    What lies in `photos` already is nothing to them.

    Raises:
        Refuse: one of them ended, or they were not ready in time.
        InstrumentError: the broker does not do what is asked of it.
    """
    group = f"bench-{re.sub(r'[^A-Za-z0-9._-]', '-', subject.name)}-{time.time_ns()}"
    _patiently(lambda: _ensure_topics(subject, stand))
    readable = [PHOTOS, *subject.outputs]
    _patiently(Log(KafkaSettings(bootstrap=stand.kafka), readable).ends)
    _patiently(lambda: _begin_at_the_end(stand, group))
    with ExitStack() as undo:
        seats, children = [], []
        for number in range(workers):
            seat = Seat(stand=stand, group=group, number=number, port=ports.choose(0, option="--kafka-port"))
            child = launch(
                f"{subject.name} {number}",
                subject.command(seat),
                log=stand.folder / f"{group}-{number}.log",
                env={**surroundings(), **subject.environment(seat)},
            )
            undo.callback(child.stop, grace=DRAIN_SECONDS)
            seats.append(seat)
            children.append(child)
        team = Team(subject=subject, children=tuple(children))
        deadline = time.monotonic() + READY_SECONDS
        while not (all(subject.ready(seat) for seat in seats) and assigned(stand, group, workers)):
            team.check()
            if time.monotonic() > deadline:
                raise Refuse(
                    f"{subject.name} was not ready after {READY_SECONDS:.0f} s: its log is {children[0].log}."
                )
            time.sleep(_LOOK_SECONDS)
        yield team


def assigned(stand: Stand, group: str, members: int) -> bool:
    """Whether so many members of a group hold all partitions of `photos` between them."""
    try:
        # Held on to: a client that nobody holds gives no answers.
        admin = _admin(stand)
        found = admin.describe_consumer_groups([group])[group].result(ASK_SECONDS)
    except KafkaException:
        return False
    held = [
        (number, place.partition)
        for number, member in enumerate(found.members)
        if member.assignment is not None
        for place in member.assignment.topic_partitions
        if place.topic == PHOTOS
    ]
    idle = max(0, members - stand.partitions)
    return (
        len({partition for _, partition in held}) == stand.partitions
        and len({number for number, _ in held}) >= members - idle
    )


def _begin_at_the_end(stand: Stand, group: str) -> None:
    """Commit for the group that it begins where `photos` ends now: no photo sent from here on is missed."""
    ends = places(Log(KafkaSettings(bootstrap=stand.kafka), [PHOTOS]).ends())
    admin = _admin(stand)
    wanted = ConsumerGroupTopicPartitions(group, ends)
    done = admin.alter_consumer_group_offsets([wanted])[group].result(ASK_SECONDS)
    for place in done.topic_partitions:
        if place.error is not None:
            raise KafkaException(place.error)


def _patiently(attempt: Callable[[], object]) -> None:
    """Try until it works: what was just made has no leader or coordinator yet.

    Raises:
        InstrumentError: it still does not.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            attempt()
        except (Refuse, KafkaException) as error:
            if time.monotonic() > deadline:
                raise InstrumentError(f"the broker does not come to rest ({error}): see its log.") from error
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _ensure_topics(subject: Subject, stand: Stand) -> None:
    admin = _admin(stand)
    known = admin.list_topics(timeout=ASK_SECONDS).topics
    missing = [NewTopic(name, stand.partitions, 1) for name in subject.outputs if name not in known]
    for answer in (admin.create_topics(missing) if missing else {}).values():
        answer.result(ASK_SECONDS)


def _admin(stand: Stand) -> AdminClient:
    return AdminClient(client_config(KafkaSettings(bootstrap=stand.kafka)))


def _answers_ready(seat: Seat) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, seat.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
