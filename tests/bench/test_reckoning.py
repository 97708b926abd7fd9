"""From what was seen to figures: what counts, what makes a run invalid, what a stall does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import reckoning
from bench.reader import Reading
from bench.reckoning import Outcome, Sending


def reading(moments: list[float | None], *, again: tuple[int, ...] = ()) -> Reading:
    """What came out at these moments (None: nothing did), and of which photos a second record came."""
    kept = Reading.empty(len(moments))
    for number, moment in enumerate(moments):
        if moment is not None:
            kept.note(number, {"decision": "asia"}, moment)
    for number in again:
        kept.note(number, {"decision": "asia"}, 99.0)
    return kept


def sending(count: int, **more: float | str) -> Sending:
    """A generator that did as it should, but for what is said."""
    well = {"sent": count, "acknowledged": count, "why": "", "lag_p99_ms": 1.0, "lag_max_ms": 2.0}
    return Sending(**{**well, **more})  # type: ignore[arg-type] # each is of the field's own type


def found(**more: int) -> Outcome:
    """An outcome of ten photos that all came out, but for what is said."""
    counts = {"sent": 10, "received": 10, "lost": 0, "doubled": 0, "late": 0, "rejected": 0}
    return Outcome(**{**counts, **more}, latencies=np.full(10, 0.03), stages=())


def test_latency_runs_from_when_a_photo_was_due() -> None:
    """The warm-up is cut by when a photo was due, and what was never sent is not missed."""
    due = np.array([0.5, 1.0, 2.0, 3.0, 4.0])
    seen = reading([110.0, 101.1, 102.3, None, None], again=(2,))
    result = reckoning.outcome(due, 4, seen, start=100.0, warm_up=1.0)
    assert (result.sent, result.received, result.lost, result.doubled) == (3, 2, 1, 1)
    assert result.latencies == pytest.approx([0.1, 0.3])


def test_what_is_lost_or_doubled_in_the_warm_up_counts() -> None:
    """The warm-up is cut from the latencies alone: a photo is not to be lost there either."""
    due = np.array([0.2, 0.4, 1.5])
    result = reckoning.outcome(due, 3, reading([None, 0.5, 1.6], again=(1,)), start=0.0, warm_up=1.0)
    assert (result.sent, result.received, result.lost, result.doubled) == (1, 1, 1, 1)


def test_a_rejected_photo_is_no_fast_answer() -> None:
    """Rejected photos are counted, and no percentile is better for them."""
    seen = reading([0.5, None])
    seen.note(1, {"reason": "undecodable"}, 0.001)
    result = reckoning.outcome(np.zeros(2), 2, seen, start=0.0, warm_up=0.0)
    assert (result.received, result.rejected, result.lost) == (2, 1, 0)
    assert result.latencies == pytest.approx([0.5])


def test_late_rejected_and_stages_are_the_records_own() -> None:
    """Late and rejected are what records say; stages are what they tell, and the rest."""
    timing = {"queue_ms": 3.0, "decode_ms": 4.0, "infer_ms": 12.0, "total_ms": 25.0, "late": True}
    seen = Reading.empty(3)
    seen.note(0, {"decision": "asia", "timing": timing}, 0.04)
    seen.note(1, {"decision": "europe", "timing": {**timing, "late": False}}, 0.04)
    seen.note(2, {"reason": "undecodable"}, 0.04)
    result = reckoning.outcome(np.zeros(3), 3, seen, start=0.0, warm_up=0.0)
    assert (result.late, result.rejected) == (1, 1)
    assert {stage.name: stage.p50_ms for stage in result.stages} == {
        "queue": 3.0,
        "decode": 4.0,
        "infer": 12.0,
        "publish": 6.0,
        "commit": 15.0,
    }


def test_a_silent_record_has_no_stages() -> None:
    """Records that tell nothing of their way have no stages; a part of their timing is none."""
    seen = Reading.empty(1)
    seen.note(0, {"decision": "asia", "timing": {"decode_ms": 4.0}}, 0.04)
    assert reckoning.outcome(np.zeros(1), 1, seen, start=0.0, warm_up=0.0).stages == ()


def test_a_run_that_is_what_it_claims() -> None:
    """No lag, all acknowledged, all out: nothing to say."""
    assert reckoning.faults(sending(10), found()) == ""


@pytest.mark.parametrize(
    ("sent", "came", "says"),
    [
        (sending(10, lag_p99_ms=11.0, lag_max_ms=40.0), found(), "fell behind.* 11.0 ms.*40.0"),
        (sending(10, acknowledged=8, why="timed out"), found(), "did not take 2 of 10.*timed out"),
        (sending(10, ended_early="given up"), found(), "given up"),
        (sending(10), found(lost=3, received=7), "3 photos did not come out"),
        (sending(10), found(received=0), "nothing came out"),
        (sending(10), found(doubled=2), "2 photos came out more than once"),
        (sending(10), found(rejected=1), "1 photos were rejected"),
    ],
)
def test_a_run_that_is_not_says_why(sent: Sending, came: Outcome, says: str) -> None:
    """Each thing that makes a run invalid is named."""
    with pytest.raises(AssertionError, match=says):
        assert reckoning.faults(sent, came) == ""


@given(
    st.floats(min_value=20, max_value=50),
    st.floats(min_value=1.0, max_value=2.0),
    st.floats(min_value=0.001, max_value=0.01),
)
def test_a_stall_is_seen_by_all_that_were_due_meanwhile(rate: float, stall: float, service: float) -> None:
    """One server, one stall from second 1 on: each photo that was due then has waited for its end.

    Counted from when the server took a photo up, one of them would have been slow, and p90 known of nothing.
    """
    due = np.arange(0.0, 4.0, 1 / rate)
    free, moments, taken_up = 0.0, [], []
    for moment in due:
        begun = max(moment, free)
        free = max(begun, 1.0 + stall) + service if 1.0 <= begun < 1.0 + stall else begun + service
        moments.append(100.0 + free)
        taken_up.append(begun)
    result = reckoning.outcome(due, len(due), reading(list(moments)), start=100.0, warm_up=0.0)
    assert reckoning.histogram(result.latencies).percentile_ms(90) > 400 * stall
    from_taken_up = np.array(moments) - 100.0 - taken_up
    assert reckoning.histogram(from_taken_up).percentile_ms(90) < 11
