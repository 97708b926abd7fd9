"""Laws of the reorder buffer under any completion order, any revoke, any abort and any other member."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.worker.samples import outcome
from worker.ordering import Ordering, Prefix, Ticket
from worker.record import Outcome, Partition, Rejection, Source

PARTITIONS = 3
NUMBERS = st.integers(0, PARTITIONS - 1)


@dataclass(slots=True)
class Log:
    """One partition as the broker has it: offsets 0, 1, 2, …, some of them transaction markers."""

    end: int = 0
    markers: set[int] = field(default_factory=set)
    committed: int = 0
    published: list[int] = field(default_factory=list)

    def photos(self, upto: int) -> list[int]:
        """Every photo before this offset."""
        return [offset for offset in range(upto) if offset not in self.markers]


@dataclass(slots=True)
class Held:
    """A partition that this member holds: which assignment of it, how far it is read, what is let in.

    `committed` is what the member knows of; `mark` an offset that is worth committing for itself.
    """

    turn: int
    position: int
    committed: int
    mark: int | None
    offsets: list[int] = field(default_factory=list)
    filed: set[int] = field(default_factory=set)

    @property
    def finished(self) -> list[int]:
        """The prefix of what is let in that is answered."""
        return list(takewhile(self.filed.__contains__, self.offsets))

    @property
    def next_offset(self) -> int | None:
        """What a commit has to name; None where there is nothing to commit."""
        return self.finished[-1] + 1 if self.finished else self.mark


class OrderingMachine(RuleBasedStateMachine):
    """One member, its broker, and all the other members in one.

    The law: what is published of a partition, by whomever, is always its prefix up to what is committed,
    each once, in order. A transaction has three moments: taken, decided by the broker, heard of by the
    member; anything may happen between them. Two things are the broker's: nobody is given a partition while
    a transaction that holds its offset is undecided (KIP-447, stable offsets), and it takes a commit for a
    partition that the member no longer has (it fences members, not partitions).
    """

    def __init__(self) -> None:
        super().__init__()
        self.ordering = Ordering()
        self.logs = [Log() for _ in range(PARTITIONS)]
        self.held: dict[int, Held] = {}
        self.turns = 0
        self.tickets: list[tuple[Ticket, int]] = []
        self.open: tuple[Prefix, ...] = ()
        self.turns_taken: dict[int, int] = {}
        self.decision: bool | None = None

    @staticmethod
    def home(number: int) -> Partition:
        """The partition of this number."""
        return Partition("photos", number)

    def undecided(self, number: int) -> bool:
        """Whether an offset of it is in a transaction that the broker has not decided about."""
        return self.decision is None and any(prefix.partition.number == number for prefix in self.open)

    def hold(self, number: int, position: int, *, fresh: bool) -> None:
        """Begin with the partition at what is committed; what was let in before is void."""
        self.turns += 1
        self.held[number] = Held(self.turns, position, position, position if fresh else None)

    def taken(self, number: int) -> bool:
        """Whether the partition, in the turn that it is held in now, is in the open transaction."""
        held = self.held.get(number)
        return held is not None and self.turns_taken.get(number) == held.turn

    # --- the assignment -----------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Start with every partition."""
        for number in range(PARTITIONS):
            self.assign(number)

    @rule(number=NUMBERS)
    def assign(self, number: int) -> None:
        """Get the partition at what the broker has as committed, also once more while it is held."""
        if self.undecided(number):
            return
        committed = self.logs[number].committed
        self.ordering.assign(self.home(number), committed, fresh=not committed)
        self.hold(number, committed, fresh=not committed)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        """Lose a partition, by its leave or without, with whatever is in flight."""
        number = data.draw(st.sampled_from(sorted(self.held)))
        self.ordering.drop(self.home(number))
        del self.held[number]

    @precondition(lambda self: len(self.held) < PARTITIONS)
    @rule(data=st.data(), count=st.integers(1, 3))
    def another_member_works(self, data: st.DataObject, count: int) -> None:
        """Who has the partition now reads from what is committed, and publishes."""
        number = data.draw(st.sampled_from(sorted(set(range(PARTITIONS)) - set(self.held))))
        if self.undecided(number):
            return
        log = self.logs[number]
        log.published += [
            offset for offset in range(log.committed, log.committed + count) if offset not in log.markers
        ]
        log.committed += count
        log.end = max(log.end, log.committed)

    # --- reading and answering ----------------------------------------------------------------------------

    @rule(number=NUMBERS, count=st.integers(1, 4))
    def fetch(self, number: int, count: int) -> None:
        """Read some records; without the partition, none is let in."""
        log, held = self.logs[number], self.held.get(number)
        if held is None:
            assert self.ordering.admit(Source("photos", number, log.end), size=1) is None
            return
        for _ in range(count):
            while held.position in log.markers:
                held.position += 1
            ticket = self.ordering.admit(Source("photos", number, held.position), size=held.position + 1)
            assert ticket is not None
            self.tickets.append((ticket, held.turn))
            held.offsets.append(held.position)
            held.position += 1
        log.end = max(log.end, held.position)

    @rule(number=NUMBERS, gap=st.integers(1, 3))
    def fetch_again(self, number: int, gap: int) -> None:
        """See a record that was let in already, as when a fetch was under way at a rewind."""
        held = self.held.get(number)
        offset = held.position - gap if held is not None else -1
        if offset >= 0 and offset not in self.logs[number].markers:
            assert self.ordering.admit(Source("photos", number, offset), size=offset + 1) is None

    @rule(number=NUMBERS)
    def reach_end(self, number: int) -> None:
        """Read a transaction marker that nothing follows yet, which a client sees as an end offset."""
        log, held = self.logs[number], self.held.get(number)
        if held is None or held.position != log.end:
            return
        log.markers.add(log.end)
        log.end = held.position = log.end + 1
        if not held.offsets and log.end > held.committed:
            held.mark = log.end
        self.ordering.reached_end(self.home(number), log.end)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), count=st.integers(1, 6))
    def finish(self, data: st.DataObject, count: int) -> None:
        """Answer some photos, in any order, also those whose partition has gone, or come back meanwhile."""
        for _ in range(min(count, len(self.tickets))):
            ticket, turn = self.tickets.pop(data.draw(st.integers(0, len(self.tickets) - 1)))
            source = ticket.source
            held = self.held.get(source.partition)
            wanted = held is not None and held.turn == turn
            answer = outcome(source.offset, source.partition, detail=str(turn))
            assert self.ordering.file(ticket, answer) == wanted
            if held is not None and wanted:
                held.filed.add(source.offset)

    # --- transactions -------------------------------------------------------------------------------------

    @precondition(lambda self: not self.open)
    @rule()
    def take(self) -> None:
        """Open a transaction: what is finished of what is held, answered in this turn, and no more."""
        self.open, self.decision = self.ordering.take(), None
        wanted = {number: held for number, held in self.held.items() if held.next_offset is not None}
        assert {prefix.partition.number for prefix in self.open} == set(wanted)
        for prefix in self.open:
            held = wanted[prefix.partition.number]
            assert [each.photo.source.offset for each in prefix.outcomes] == held.finished
            assert {self.detail(each) for each in prefix.outcomes} <= {str(held.turn)}
            assert prefix.next_offset == held.next_offset
            held.mark = None
        self.turns_taken = {number: held.turn for number, held in wanted.items()}

    @staticmethod
    def detail(answer: Outcome) -> str:
        """What the answer was marked with."""
        assert isinstance(answer, Rejection)
        return answer.detail

    @precondition(lambda self: self.open and self.decision is None)
    @rule(commit=st.booleans())
    def decide(self, commit: bool) -> None:
        """The broker takes outputs and offsets together, or neither, whatever the member has lost by now."""
        self.decision = commit
        for prefix in self.open if commit else ():
            log = self.logs[prefix.partition.number]
            log.published += [each.photo.source.offset for each in prefix.outcomes]
            log.committed = prefix.next_offset

    @precondition(lambda self: self.decision is not None)
    @rule()
    def hear(self) -> None:
        """The verdict comes: let go of what is committed; read again what was aborted."""
        for prefix in self.open:
            number = prefix.partition.number
            held = self.held.get(number)
            if self.decision:
                assert self.ordering.acknowledge(prefix) == self.taken(number)
                if held is not None and self.taken(number):
                    del held.offsets[: len(prefix.outcomes)]
                    held.committed = prefix.next_offset
            elif held is not None:
                committed = self.ordering.rewind(prefix.partition)
                assert committed == self.logs[number].committed
                self.hold(number, committed, fresh=True)
        self.open, self.decision, self.turns_taken = (), None, {}

    @precondition(lambda self: not self.open)
    @rule(commit=st.booleans())
    def transact(self, commit: bool) -> None:
        """All three moments, with nothing between them, as it mostly is."""
        self.take()
        if self.open:
            self.decide(commit)
            self.hear()

    # --- what always holds --------------------------------------------------------------------------------

    @invariant()
    def each_once_in_order(self) -> None:
        """What is published of a partition is its prefix: no loss, no duplicate, no disorder."""
        for log in self.logs:
            assert log.published == log.photos(log.committed)

    @invariant()
    def it_is_ready_when_there_is_something(self) -> None:
        """What is being published is not published again meanwhile."""
        waiting = (number for number, held in self.held.items() if held.next_offset is not None)
        assert self.ordering.ready() == any(not self.taken(number) for number in waiting)

    @invariant()
    def the_account_is_right(self) -> None:
        """Count, bytes and what waits are those of the photos held, to the last one; so never negative."""
        offsets = {number: held.offsets for number, held in self.held.items()}
        assert {home.number for home in self.ordering.partitions} == set(offsets)
        assert all(self.ordering.depth(self.home(number)) == len(each) for number, each in offsets.items())
        assert self.ordering.count == sum(len(each) for each in offsets.values())
        assert self.ordering.size == sum(offset + 1 for each in offsets.values() for offset in each)
        assert self.ordering.finished() == sum(
            len(held.filed.intersection(held.offsets)) for held in self.held.values()
        )


TestOrdering = OrderingMachine.TestCase
TestOrdering.settings = settings(max_examples=200, stateful_step_count=60)
