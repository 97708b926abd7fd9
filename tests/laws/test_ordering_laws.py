"""Laws of the reorder buffer under any completion order, any revoke and any abort."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.worker.samples import outcome
from worker.ordering import Ordering, Prefix, Ticket
from worker.record import Outcome, Partition, Rejection, Source

PARTITIONS = 3


class OrderingMachine(RuleBasedStateMachine):
    """A broker in miniature: what is committed counts, what is not is read again.

    The model is the log itself: each partition holds the offsets 0, 1, 2, …, some of them transaction
    markers; `committed` and `published` are what the broker would know. The law: published is always what
    lies before committed, each once, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ordering = Ordering()
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self.position = dict.fromkeys(range(PARTITIONS), 0)
        self.published: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
        self.markers: dict[int, set[int]] = {number: set() for number in range(PARTITIONS)}
        self.tickets: list[Ticket] = []
        self.open: tuple[Prefix, ...] = ()

    def held(self, number: int) -> bool:
        """Whether the partition is assigned."""
        return Partition("photos", number) in self.ordering

    @staticmethod
    def detail(answer: Outcome) -> str:
        """What the answer was marked with."""
        assert isinstance(answer, Rejection)
        return answer.detail

    @rule(number=st.integers(0, PARTITIONS - 1))
    def assign(self, number: int) -> None:
        """Get the partition, at what the broker has as committed."""
        if self.open:
            return
        home = Partition("photos", number)
        self.ordering.assign(home, self.committed[number], fresh=not self.committed[number])
        self.position[number] = self.committed[number]

    @rule(number=st.integers(0, PARTITIONS - 1))
    def revoke(self, number: int) -> None:
        """Lose the partition with whatever is in flight."""
        self.ordering.drop(Partition("photos", number))

    @rule(number=st.integers(0, PARTITIONS - 1), gap=st.integers(0, 2))
    def fetch(self, number: int, gap: int) -> None:
        """Read the next record; a gap repeats an old one, as a fetch under way at a rewind does."""
        if not self.held(number):
            return
        while self.position[number] in self.markers[number]:
            self.position[number] += 1
        offset = max(0, self.position[number] - gap)
        if offset in self.markers[number]:
            return
        ticket = self.ordering.admit(Source("photos", number, offset), size=offset + 1)
        if offset == self.position[number]:
            assert ticket is not None
            self.tickets.append(ticket)
            self.position[number] += 1
        else:
            assert ticket is None

    @rule(number=st.integers(0, PARTITIONS - 1))
    def reach_end(self, number: int) -> None:
        """Read a transaction marker that nothing follows yet, which a client sees as an end offset."""
        home = Partition("photos", number)
        last_published = max(self.published[number], default=-1)
        beyond = max([last_published, *self.markers[number], self.position[number] - 1]) + 1
        if self.held(number) and self.position[number] == beyond:
            self.markers[number].add(self.position[number])
            self.position[number] += 1
            self.ordering.reached_end(home, self.position[number])

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Answer any photo, in any order, also one whose partition has gone."""
        ticket = self.tickets.pop(data.draw(st.integers(0, len(self.tickets) - 1)))
        source = ticket.source
        self.ordering.file(ticket, outcome(source.offset, source.partition, detail=str(ticket.epoch)))

    @precondition(lambda self: not self.open)
    @rule()
    def take(self) -> None:
        """Open a transaction."""
        self.open = self.ordering.take()

    @precondition(lambda self: self.open)
    @rule()
    def commit(self) -> None:
        """The broker commits outputs and offsets together, whatever the member thinks of itself by now."""
        for prefix in self.open:
            number = prefix.partition.number
            # Every answer is of the epoch that it is published under.
            assert all(self.detail(each) == str(prefix.epoch) for each in prefix.outcomes)
            self.published[number] += [each.photo.source.offset for each in prefix.outcomes]
            self.committed[number] = prefix.next_offset
            self.ordering.acknowledge(prefix)
        self.open = ()

    @precondition(lambda self: self.open)
    @rule()
    def abort(self) -> None:
        """Nothing of it counts: every partition in it is read again."""
        for prefix in self.open:
            if prefix.partition in self.ordering:
                number = prefix.partition.number
                self.position[number] = self.ordering.rewind(prefix.partition)
                assert self.position[number] == self.committed[number]
        self.open = ()

    @invariant()
    def each_once_in_order(self) -> None:
        """What is published of a partition is its prefix: no loss, no duplicate, no disorder."""
        for number in range(PARTITIONS):
            before = set(range(self.committed[number])) - self.markers[number]
            assert self.published[number] == sorted(before)

    @invariant()
    def the_account_is_right(self) -> None:
        """Count and bytes are those of the lanes, never negative, and nothing is held for nobody."""
        depth = sum(self.ordering.depth(home) for home in self.ordering.partitions)
        assert self.ordering.count == depth
        assert self.ordering.size >= depth
        if not self.ordering.partitions:
            assert (self.ordering.count, self.ordering.size) == (0, 0)


TestOrdering = OrderingMachine.TestCase
TestOrdering.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
