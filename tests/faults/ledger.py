"""The account of a trial: what was sent, what came out, and what is wrong between them. Pure functions.

Nothing here knows the worker: an accountant that shared its code would share its mistakes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where a photo lies: partition and offset of the input topic."""

    partition: int
    offset: int


class Sent(NamedTuple):
    """A photo that the broker has acknowledged; `at` is when it was to be sent (seconds, monotonic)."""

    place: Place
    photo_id: str
    at: float


class Seen(NamedTuple):
    """A record of an output topic: when it was made, and when a reader had it (seconds, monotonic)."""

    topic: str
    partition: int
    offset: int
    place: Place
    photo_id: str
    reason: str | None
    made: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the ledgers say. A promise that was kept has 0 in every field of `wrong`."""

    sent: int
    committed: int
    lost: int
    duplicated: int
    out_of_order: int
    stray: int
    aborted: int

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that must be zero."""
        return {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "out_of_order": self.out_of_order,
            "stray": self.stray,
        }

    @property
    def exact(self) -> bool:
        """Whether in = out, each once, in order."""
        return not any(self.wrong.values())


def audit(sent: Iterable[Sent], committed: Sequence[Seen], uncommitted: Sequence[Seen]) -> Audit:
    """Hold what came out against what went in.

    Args:
        sent: every photo that the broker acknowledged.
        committed: what a `read_committed` reader had, in the order in which it had it.
        uncommitted: what a `read_uncommitted` reader had: the committed records and the aborted ones.

    `stray` counts committed records that are about no photo that was sent, under another photo's id, in
    another partition than their photo's, or that the other reader never had.
    """
    expected = {each.place: each.photo_id for each in sent}
    times = Counter(each.place for each in committed)
    heard = {(each.topic, each.partition, each.offset) for each in uncommitted}
    return Audit(
        sent=len(expected),
        committed=len(committed),
        lost=sum(1 for place in expected if place not in times),
        duplicated=sum(count - 1 for count in times.values()),
        out_of_order=_out_of_order(committed),
        stray=sum(
            1
            for each in committed
            if expected.get(each.place) != each.photo_id
            or each.partition != each.place.partition
            or (each.topic, each.partition, each.offset) not in heard
        ),
        aborted=len(uncommitted) - len(committed),
    )


def _out_of_order(committed: Iterable[Seen]) -> int:
    """Records whose source lies before that of an earlier record of the same output partition."""
    highest: dict[tuple[str, int], int] = defaultdict(lambda: -1)
    count = 0
    for each in committed:
        lane = (each.topic, each.partition)
        count += each.place.offset < highest[lane]
        highest[lane] = max(highest[lane], each.place.offset)
    return count


def recovery(committed: Iterable[Seen], since: float, partitions: Iterable[int]) -> float | None:
    """Seconds from `since` until every partition has published again; None when one never did.

    A record that was made before and is read only now, by a reader that lags, tells nothing.
    """
    first: dict[int, float] = {}
    for each in committed:
        if each.made >= since:
            first.setdefault(each.partition, each.at)
    found = [first.get(partition) for partition in partitions]
    if not found or any(at is None for at in found):
        return None
    return max(at for at in found if at is not None) - since


def latencies(sent: Iterable[Sent], committed: Iterable[Seen]) -> list[tuple[float, float]]:
    """When each photo was to be sent, and the seconds until a committed reader had its record."""
    due = {each.place: each.at for each in sent}
    return [(due[each.place], each.at - due[each.place]) for each in committed if each.place in due]
