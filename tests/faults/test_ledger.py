"""The account itself: it must see every way in which a promise can be broken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.ledger import Audit, Place, Seen, Sent, audit, latencies, recovery

SENT = [Sent(Place(number % 2, number // 2), f"photo-{number}", float(number)) for number in range(8)]


def seen(each: Sent, offset: int, *, at: float = 0.0) -> Seen:
    """The record that a correct worker makes of a photo."""
    return Seen("continent.asia", each.place.partition, offset, each.place, each.photo_id, None, at, at)


RIGHT = [seen(each, each.place.offset, at=each.at + 0.5) for each in SENT]


def account(committed: list[Seen], uncommitted: list[Seen] | None = None) -> Audit:
    """Hold records against what was sent; all of them were heard by the other reader too, unless told."""
    return audit(SENT, committed, committed if uncommitted is None else uncommitted)


def test_a_clean_ledger_is_exact() -> None:
    """In = out, each once, in order: nothing is wrong."""
    found = account(RIGHT)
    assert found.exact
    assert (found.sent, found.committed, found.aborted) == (8, 8, 0)


def test_what_is_missing_is_lost() -> None:
    """A photo without a record counts as lost."""
    assert account(RIGHT[:-2]).wrong == {"lost": 2, "duplicated": 0, "out_of_order": 0, "stray": 0}


def test_what_comes_twice_is_duplicated() -> None:
    """Two records of one photo count, also in two topics."""
    twice = [*RIGHT, replace_topic(RIGHT[-1])]
    assert account(twice).duplicated == 1


def replace_topic(record: Seen) -> Seen:
    """The same photo on another feed."""
    return record._replace(topic="continent.africa")


def test_what_overtakes_is_out_of_order() -> None:
    """A record whose source lies before that of an earlier one in its partition counts."""
    swapped = [RIGHT[2], RIGHT[0], *RIGHT[1:2], *RIGHT[3:]]
    assert account(swapped).out_of_order == 1


def test_strangers_are_stray() -> None:
    """A wrong id, a wrong partition and a record that only one reader has had count."""
    wrong_id = [RIGHT[0]._replace(photo_id="another"), *RIGHT[1:]]
    assert account(wrong_id).stray == 1
    wrong_partition = [RIGHT[0]._replace(partition=1), *RIGHT[1:]]
    assert account(wrong_partition).stray == 1
    assert account(RIGHT, RIGHT[1:]).stray == 1


def test_aborted_records_are_counted_and_not_wrong() -> None:
    """What only `read_uncommitted` sees was aborted: allowed, and told."""
    found = account(RIGHT, [RIGHT[0]._replace(offset=90), *RIGHT])
    assert found.exact
    assert found.aborted == 1


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.lists(st.integers(0, 7), max_size=3))
def test_it_counts_right(order: list[int], without: set[int], again: list[int]) -> None:
    """Whatever is left out, repeated or shuffled: lost and duplicated are what was done."""
    left = [index for index in order if index not in without]
    repeated = [index for index in again if index not in without]
    found = account([RIGHT[index] for index in (*left, *repeated)])
    assert found.lost == len(without)
    assert found.duplicated == len(repeated)
    assert found.aborted == 0


def test_recovery_waits_for_every_partition() -> None:
    """It is the first record of the slowest partition after the moment; none while one is silent."""
    assert recovery(RIGHT, 2.0, [0, 1]) == 1.5
    assert recovery(RIGHT[:1], 0.0, [0, 1]) is None


def test_a_reader_that_lags_makes_no_recovery() -> None:
    """What was published before the moment and is read after it is no sign of life."""
    late = [each._replace(at=each.at + 10) for each in RIGHT]
    assert recovery(late, 9.0, [0, 1]) is None
    assert recovery(late, 2.0, [0, 1]) == 11.5


def test_latencies_count_from_when_a_photo_was_due() -> None:
    """A photo is as late as its reader says, whenever it was really sent."""
    assert latencies(SENT[:1], RIGHT[:1]) == [(0.0, 0.5)]
