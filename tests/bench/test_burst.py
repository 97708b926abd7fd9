"""What a burst is refused for, and who is to blame."""

from __future__ import annotations

import pytest

from bench import burst
from bench.reader import Reading


@pytest.mark.parametrize(
    ("came", "said"),
    [
        ([{}, {}, {}], ""),
        ([{}, {}], "left 1 photos unanswered"),
        ([{}, {}, {"decision": None}], "rejected 1"),
        ([{}, {}, {}, {}], "answered 1 twice"),
        ([{}, {"decision": None}], "left 1 photos unanswered, rejected 1"),
    ],
    ids=["all", "missing", "rejected", "doubled", "two things"],
)
def test_an_answer_is_one_record_that_is_no_rejection(came: list[dict[str, None]], said: str) -> None:
    """Who rejects photos, loses them or answers them twice has not done the job that the rate is of."""
    reading = Reading.empty(3)
    for number, more in enumerate(came):
        reading.note(number % 3, {"decision": "asia", **more}, float(number))
    assert burst.complaint(reading) == said


def test_photos_that_the_broker_did_not_take_are_not_the_contenders_fault() -> None:
    """The generator's own account says so, with its reason."""
    assert burst.untaken({"acknowledged": 3, "why": ""}, 3) == ""
    assert burst.untaken({"acknowledged": 1, "why": "timed out"}, 3) == "took 1 of 3 photos (timed out)"
