"""Stopping and taking turns: each photo still ends in exactly one record."""

from __future__ import annotations

import itertools
import signal
from collections import Counter

import pytest

from local.stack import Stack
from tests.end_to_end.conftest import Start
from tests.end_to_end.harness import Headers, Reader, event, send_all, wait_until
from tests.end_to_end.records import check_order, check_valid

COUNT = 200

Photos = list[tuple[bytes, Headers]]


@pytest.fixture
def photos(examples: dict[str, bytes]) -> Photos:
    """Many photos, spread over all partitions by the tests."""
    cycle = itertools.islice(itertools.cycle(examples.values()), COUNT)
    return [(data, event(f"stopping-{index}")) for index, data in enumerate(cycle)]


def spread(stack: Stack, photos: Photos) -> list[tuple[str, int, int]]:
    """Send them round robin to all six partitions."""
    return [
        place for number in range(6) for place in send_all(stack.kafka, photos[number::6], partition=number)
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_successor_finishes(
    start: Start,
    stack: Stack,
    reader: Reader,
    photos: Photos,
    number: int,
) -> None:
    """A worker is asked to end in the middle of its work; the next one does the rest, once each.

    Both belong to a group of their own, which starts at the end of the topic.
    """
    settings = {"PANGAEA_KAFKA__GROUP": f"stop-{number}", "PANGAEA_KAFKA__START": "latest"}
    first = start(**settings).ready()
    wait_until(lambda: first.metric("pangaea_partitions_assigned") == 6, 20, "the assignment")
    wait_until(lambda: first.metric("pangaea_transactions_total") >= 1, 20, "the committed start")
    sent = spread(stack, photos)
    wait_until(lambda: first.metric("pangaea_photos_published_total") > 20, 60, "a good beginning")
    assert first.stop(number) == 0
    second = start(**settings).ready()
    mine = set(sent)
    wait_until(lambda: len({s.source for s in reader.idle(0.2)} & mine) == len(mine), 60, "the rest")
    assert Counter(each.source for each in reader.idle() if each.source in mine) == Counter(sent)
    check_valid(reader.seen)
    check_order(reader.seen)
    assert second.stop() == 0


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_two_workers_share_and_one_leaves(
    start: Start, stack: Stack, reader: Reader, photos: Photos, protocol: str
) -> None:
    """A second worker joins while photos flow and the first leaves: in = out, each once, in order.

    Under the classic group protocol and under KIP-848's.
    """
    settings = {
        "PANGAEA_KAFKA__GROUP": f"sharing-{protocol}",
        "PANGAEA_KAFKA__START": "latest",
        "PANGAEA_KAFKA__PROTOCOL": protocol,
    }
    first = start(**settings).ready()
    wait_until(lambda: first.metric("pangaea_transactions_total") >= 1, 20, "the committed start")
    sent = spread(stack, photos[: COUNT // 2])
    second = start(**settings).ready()
    wait_until(lambda: second.metric("pangaea_partitions_assigned") >= 1, 30, "a share of the partitions")
    sent += spread(stack, photos[COUNT // 2 :])
    assert first.stop() == 0
    mine = set(sent)
    wait_until(lambda: len({s.source for s in reader.idle(0.2)} & mine) == len(mine), 60, "all of them")
    assert Counter(each.source for each in reader.idle() if each.source in mine) == Counter(sent)
    check_order(reader.seen)
    assert second.stop() == 0
