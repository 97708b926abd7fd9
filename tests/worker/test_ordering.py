"""The reorder buffer, case by case."""

from __future__ import annotations

import pytest

from tests.worker.samples import outcome
from worker.ordering import Ordering, Ticket
from worker.record import Partition, Source

HOME = Partition("photos", 0)
OTHER = Partition("photos", 1)


def admit(ordering: Ordering, offset: int, partition: int = 0, size: int = 1) -> Ticket:
    """Admit and insist on a ticket."""
    ticket = ordering.admit(Source("photos", partition, offset), size=size)
    assert ticket is not None
    return ticket


@pytest.fixture
def ordering() -> Ordering:
    """One lane that starts at offset 10."""
    ordering = Ordering()
    ordering.assign(HOME, 10)
    return ordering


def test_nothing_leaves_before_the_first(ordering: Ordering) -> None:
    """A later photo that is finished first waits for the earlier one."""
    first, second = admit(ordering, 10), admit(ordering, 11)
    assert ordering.file(second, outcome(11))
    assert not ordering.ready()
    assert ordering.take() == ()
    assert ordering.file(first, outcome(10))
    (prefix,) = ordering.take()
    assert [each.photo.source.offset for each in prefix.outcomes] == [10, 11]
    assert prefix.next_offset == 12


def test_gaps_in_offsets_are_no_gaps_in_order(ordering: Ordering) -> None:
    """Compaction and transaction markers leave holes in offsets; the prefix steps over them."""
    tickets = [admit(ordering, offset) for offset in (10, 13, 40)]
    for ticket in tickets:
        ordering.file(ticket, outcome(ticket.source.offset))
    (prefix,) = ordering.take()
    assert prefix.next_offset == 41


def test_one_transaction_at_a_time(ordering: Ordering) -> None:
    """What is being published is not taken again, and what is behind it waits."""
    ordering.file(admit(ordering, 10), outcome(10))
    (prefix,) = ordering.take()
    ordering.file(admit(ordering, 11), outcome(11))
    assert not ordering.ready()
    assert ordering.take() == ()
    assert ordering.acknowledge(prefix)
    assert ordering.committed(HOME) == 11
    (rest,) = ordering.take()
    assert rest.next_offset == 12


def test_bounds_are_held_until_acknowledged(ordering: Ordering) -> None:
    """Count and bytes fall when the transaction is committed, not when it is opened."""
    ordering.file(admit(ordering, 10, size=7), outcome(10))
    (prefix,) = ordering.take()
    assert (ordering.count, ordering.size, ordering.finished()) == (1, 7, 1)
    ordering.acknowledge(prefix)
    assert (ordering.count, ordering.size, ordering.finished()) == (0, 0, 0)


def test_a_void_ticket_is_dropped(ordering: Ordering) -> None:
    """After a revoke the answer is not kept, also when the partition has come back meanwhile."""
    ticket = admit(ordering, 10)
    ordering.drop(HOME)
    assert not ordering.file(ticket, outcome(10))
    ordering.assign(HOME, 10)
    assert not ordering.file(ticket, outcome(10))
    assert ordering.count == 0


def test_an_answer_of_an_old_epoch_does_not_stand_for_a_new_one(ordering: Ordering) -> None:
    """The same offset, read again after a rewind, waits for its own answer: the old one may be stale."""
    old = admit(ordering, 10)
    ordering.rewind(HOME)
    new = admit(ordering, 10)
    assert not ordering.file(old, outcome(10))
    assert all(prefix.outcomes == () for prefix in ordering.take())
    assert ordering.file(new, outcome(10))


def test_a_prefix_of_a_closed_lane_is_not_acknowledged(ordering: Ordering) -> None:
    """A commit that ends after the partition has moved does not touch the lane that it was taken from."""
    ordering.file(admit(ordering, 10), outcome(10))
    (prefix,) = ordering.take()
    ordering.assign(HOME, 10)
    assert not ordering.acknowledge(prefix)
    assert ordering.committed(HOME) == 10


def test_rewind_goes_back_to_what_is_committed(ordering: Ordering) -> None:
    """After an abort the same offsets are admitted again, under another epoch."""
    ordering.file(admit(ordering, 10), outcome(10))
    (prefix,) = ordering.take()
    ordering.acknowledge(prefix)
    admit(ordering, 11)
    old = ordering.epoch(HOME)
    assert ordering.rewind(HOME) == 11
    assert ordering.epoch(HOME) != old
    assert admit(ordering, 11).epoch == ordering.epoch(HOME)


def test_what_was_admitted_is_not_admitted_twice(ordering: Ordering) -> None:
    """A record that comes again within an epoch gets no ticket, nor does one of a foreign partition."""
    admit(ordering, 10)
    assert ordering.admit(Source("photos", 0, 10), size=1) is None
    assert ordering.admit(Source("photos", 0, 9), size=1) is None
    assert ordering.admit(Source("photos", 5, 0), size=1) is None
    assert ordering.count == 1


def test_lanes_do_not_wait_for_each_other(ordering: Ordering) -> None:
    """A slow photo holds its own partition only."""
    ordering.assign(OTHER, 0)
    admit(ordering, 10)
    ordering.file(admit(ordering, 0, partition=1), outcome(0, 1))
    (prefix,) = ordering.take()
    assert prefix.partition == OTHER


def test_an_outcome_is_filed_once(ordering: Ordering) -> None:
    """A second outcome under the same ticket is refused."""
    ticket = admit(ordering, 10)
    assert ordering.file(ticket, outcome(10))
    assert not ordering.file(ticket, outcome(10))


def test_the_end_of_a_partition_is_a_mark(ordering: Ordering) -> None:
    """With nothing in flight the end offset is committed for itself: it steps over transaction markers."""
    ordering.reached_end(HOME, 15)
    (mark,) = ordering.take()
    assert (mark.outcomes, mark.next_offset) == ((), 15)
    assert not ordering.ready()
    ordering.acknowledge(mark)
    assert ordering.committed(HOME) == 15
    ordering.reached_end(HOME, 15)
    assert not ordering.ready()


def test_no_end_while_something_is_in_flight(ordering: Ordering) -> None:
    """An end offset would commit a photo that has no record yet; a foreign partition's is nobody's."""
    admit(ordering, 10)
    ordering.reached_end(HOME, 15)
    ordering.reached_end(OTHER, 15)
    assert ordering.take() == ()


def test_a_fresh_start_is_committed_first(ordering: Ordering) -> None:
    """A group's very first offset is committed for itself, also again after an abort."""
    ordering.assign(OTHER, 7, fresh=True)
    (mark,) = ordering.take()
    assert (mark.partition, mark.outcomes, mark.next_offset) == (OTHER, (), 7)
    ordering.rewind(OTHER)
    (mark,) = ordering.take()
    assert mark.next_offset == 7
