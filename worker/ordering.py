"""The reorder buffer: photos are answered in any order and leave in the order they came. Pure state.

One lane a partition. A photo is admitted in offset order and gets a ticket; its outcome is filed under that
ticket whenever it is known; the contiguous finished prefix of each lane can be taken, published, and then
acknowledged. A ticket carries its lane's assignment epoch: after a revoke, a loss or a rewind the epoch is
another, and what was still being worked on is dropped on arrival. That is what keeps a partition that has
moved to another member from being answered twice: the broker would accept a member's commit for somebody
else's partition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from worker.record import Outcome, Partition, Source


class Ticket(NamedTuple):
    """A place in a lane: the photo's source, the lane's epoch at its admission, and the bytes it holds."""

    source: Source
    epoch: int
    size: int


class Prefix(NamedTuple):
    """The finished head of one lane: outcomes in offset order, and the offset that a commit would name.

    Without outcomes it is a mark: an offset to commit for itself, the group's first one or one past
    transaction markers.
    """

    partition: Partition
    epoch: int
    outcomes: tuple[Outcome, ...]
    next_offset: int


@dataclass(slots=True)
class _Entry:
    ticket: Ticket
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Lane:
    epoch: int
    committed: int
    admitted: int
    waiting: deque[_Entry] = field(default_factory=deque)
    by_offset: dict[int, _Entry] = field(default_factory=dict)
    mark: int | None = None
    publishing: bool = False


class Ordering:
    """Lanes, watermarks and epochs of the partitions that this member holds.

    `count` and `size` are what is held between admission and acknowledgement: the in-flight bounds.

    >>> ordering = Ordering()
    >>> home = Partition("photos", 0)
    >>> ordering.assign(home, 10)
    >>> first, second = (ordering.admit(Source("photos", 0, offset), size=1) for offset in (10, 11))
    >>> ordering.depth(home), ordering.count
    (2, 2)
    """

    def __init__(self) -> None:
        self._lanes: dict[Partition, _Lane] = {}
        self._epoch = 0
        self.count = 0
        self.size = 0

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions of the current assignment."""
        return tuple(self._lanes)

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._lanes

    def assign(self, partition: Partition, next_offset: int, *, fresh: bool = False) -> None:
        """Open a lane at the offset to read next; an existing lane starts anew, under a new epoch.

        `fresh`: nothing is committed there yet, so the offset itself is to be committed before anything else.
        """
        self.drop(partition)
        self._epoch += 1
        self._lanes[partition] = _Lane(
            epoch=self._epoch,
            committed=next_offset,
            admitted=next_offset,
            mark=next_offset if fresh else None,
        )

    def drop(self, partition: Partition) -> None:
        """Close a lane (revoked or lost): its tickets are void from here on."""
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            self._release(lane.waiting)

    def rewind(self, partition: Partition) -> int:
        """Start the lane anew at what is committed, under a new epoch, and say that offset.

        For after an aborted transaction: what was taken and what waits will be read again.

        Raises:
            KeyError: the partition is not of the current assignment.
        """
        committed = self._lanes[partition].committed
        # Fresh: a first offset that was aborted is to be committed still; for others it changes nothing.
        self.assign(partition, committed, fresh=True)
        return committed

    def admit(self, source: Source, *, size: int) -> Ticket | None:
        """Take a record into its lane, in offset order; None when it is not to be worked on.

        That is: its partition is not ours any more, or its offset was admitted before (a fetch that was
        under way when the lane was rewound).
        """
        lane = self._lanes.get(source.home)
        if lane is None or source.offset < lane.admitted:
            return None
        ticket = Ticket(source, lane.epoch, size)
        entry = _Entry(ticket)
        lane.waiting.append(entry)
        lane.by_offset[source.offset] = entry
        lane.admitted = source.offset + 1
        self.count += 1
        self.size += size
        return ticket

    def file(self, ticket: Ticket, outcome: Outcome) -> bool:
        """Keep a ticket's outcome until its turn; False when the ticket is void: the outcome is dropped."""
        lane = self._lanes.get(ticket.source.home)
        if lane is None or lane.epoch != ticket.epoch:
            return False
        entry = lane.by_offset.get(ticket.source.offset)
        if entry is None or entry.outcome is not None:
            return False
        entry.outcome = outcome
        return True

    def reached_end(self, partition: Partition, offset: int) -> None:
        """Everything before `offset` has been read: with nothing in flight, it is worth committing.

        That steps over transaction markers, without which the lag of a quiet partition never reads 0.
        """
        lane = self._lanes.get(partition)
        if lane is not None and not lane.waiting and offset > lane.committed:
            lane.mark = offset

    def ready(self) -> bool:
        """Whether any lane has something to publish that is not being published already."""
        return any(
            not lane.publishing
            and (lane.mark is not None or (lane.waiting and lane.waiting[0].outcome is not None))
            for lane in self._lanes.values()
        )

    def take(self) -> tuple[Prefix, ...]:
        """The finished prefix, or the mark, of every lane, to be published in one transaction.

        What is taken stays in the lane, and in `count` and `size`, until `acknowledge` or `rewind`: one
        transaction at a time.
        """
        return tuple(self._take())

    def _take(self) -> Iterator[Prefix]:
        for partition, lane in self._lanes.items():
            if lane.publishing:
                continue
            finished = list(takewhile(lambda entry: entry.outcome is not None, lane.waiting))
            next_offset = finished[-1].ticket.source.offset + 1 if finished else lane.mark
            if next_offset is None:
                continue
            lane.publishing, lane.mark = True, None
            outcomes = tuple(entry.outcome for entry in finished if entry.outcome is not None)
            yield Prefix(partition, lane.epoch, outcomes, next_offset)

    def acknowledge(self, prefix: Prefix) -> bool:
        """The transaction that held this prefix is committed: let go of it and raise the watermark.

        False when the lane was closed or rewound meanwhile: the broker's word counts, the lane is not ours.
        """
        lane = self._lanes.get(prefix.partition)
        if lane is None or lane.epoch != prefix.epoch:
            return False
        gone = deque(lane.waiting.popleft() for _ in range(len(prefix.outcomes)))
        for entry in gone:
            del lane.by_offset[entry.ticket.source.offset]
        self._release(gone)
        lane.publishing = False
        lane.committed = prefix.next_offset
        lane.admitted = max(lane.admitted, prefix.next_offset)
        return True

    def current(self, prefix: Prefix) -> bool:
        """Whether the lane that this prefix was taken from is there still, under the same epoch."""
        lane = self._lanes.get(prefix.partition)
        return lane is not None and lane.epoch == prefix.epoch

    def epoch(self, partition: Partition) -> int:
        """The lane's assignment epoch.

        Raises:
            KeyError: the partition is not of the current assignment.
        """
        return self._lanes[partition].epoch

    def committed(self, partition: Partition) -> int:
        """The offset up to which the lane is committed (the next to be read after a restart).

        Raises:
            KeyError: the partition is not of the current assignment.
        """
        return self._lanes[partition].committed

    def depth(self, partition: Partition) -> int:
        """How many photos the lane holds between admission and acknowledgement; 0 for a foreign partition."""
        lane = self._lanes.get(partition)
        return len(lane.waiting) if lane is not None else 0

    def idle(self, partition: Partition) -> bool:
        """Whether the lane holds nothing: neither photos nor a mark. A foreign partition holds nothing."""
        lane = self._lanes.get(partition)
        return lane is None or not (lane.waiting or lane.mark is not None)

    def finished(self) -> int:
        """How many outcomes wait in the reorder buffer for an earlier photo, or for their transaction."""
        return sum(1 for lane in self._lanes.values() for entry in lane.waiting if entry.outcome is not None)

    def _release(self, entries: deque[_Entry]) -> None:
        self.count -= len(entries)
        self.size -= sum(entry.ticket.size for entry in entries)
