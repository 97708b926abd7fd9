"""The arithmetic: what a stream is, and when streams disagree."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.prepare.evidence.likelihood import disagreement, hedged, stream
from worker.record import LEAST_LIKELIHOOD, NO_EVIDENCE, SLUGS, STREAMS, Evidence, Stream

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=7, max_size=7)
PARTS = st.builds(stream, WEIGHTS, st.floats(0, 1))


def only(slug: str, quality: float = 1.0) -> Stream:
    """Evidence for one continent alone."""
    return stream([name == slug for name in SLUGS], quality)


@given(WEIGHTS)
def test_a_stream_is_a_likelihood(weights: list[float]) -> None:
    """It sums to 1, rules nothing out, and keeps the order of the weights."""
    likelihood = stream(weights, 1.0).likelihood
    assert sum(likelihood) == pytest.approx(1)
    assert min(likelihood) >= LEAST_LIKELIHOOD * (1 - 1e-9)
    assert likelihood[weights.index(max(weights))] == max(likelihood)


@given(st.lists(PARTS, max_size=7))
def test_disagreement_is_a_share(parts: list[Stream]) -> None:
    """Between 0 and 1, the same in any order, and 0 where there are fewer than two."""
    found = disagreement(parts)
    assert 0 <= found <= 1
    assert found == pytest.approx(disagreement(parts[::-1]), abs=1e-9)
    assert len(parts) > 1 or not found


@given(st.lists(PARTS, max_size=5))
def test_a_stream_without_trust_changes_nothing_where_all_agree(parts: list[Stream]) -> None:
    """Quality 0 is as good as absent: it never makes agreement into disagreement."""
    if not disagreement(parts):
        assert disagreement([*parts, only("asia", 0.0)]) == pytest.approx(0, abs=1e-9)


def test_two_streams_by_hand() -> None:
    """For two the formula is 1 − 7 Σ e f: golden values at quality 0.8, for and against."""
    same = disagreement([only("europe", 0.8), only("europe", 0.8)])
    other = disagreement([only("europe", 0.8), only("asia", 0.8)])
    e = hedged(only("europe", 0.8))
    f = hedged(only("asia", 0.8))
    assert same == 0
    assert other == pytest.approx(1 - 7 * sum(a * b for a, b in zip(e, f, strict=True)))
    # One hedged by 0.2/7 on six continents: 7 (2 · 0.8286 · 0.0286 + 5 · 0.0286²) = 0.36.
    assert other == pytest.approx(0.64, abs=0.002)


def test_the_more_they_are_trusted_the_more_they_disagree() -> None:
    """Disagreement rises with quality, from next to nothing to nearly 1."""
    found = [disagreement([only("africa", q), only("oceania", q)]) for q in (0.1, 0.4, 0.7, 0.97)]
    assert found == sorted(found)
    assert found[0] < 0.05
    assert found[-1] > 0.9


def test_one_liar_among_many_shows() -> None:
    """Three for one continent and one against it disagree; four for it do not."""
    europe, asia = only("europe", 0.7), only("asia", 0.9)
    assert disagreement([europe] * 4) == 0
    assert disagreement([europe, europe, europe, asia]) > 0.5


def test_the_vector() -> None:
    """Presence, quality and log(7 · likelihood) at the stream's place, zeros elsewhere."""
    part = only("south-america", 0.7)
    vector = Evidence(streams={"caption": part}, gps_continent=None, disagreement=0.0).vector()
    block = vector[3 * 9 : 4 * 9]
    assert STREAMS[3] == "caption"
    assert vector.shape == (63,)
    assert str(vector.dtype) == "float32"
    assert block[:2].tolist() == pytest.approx([1, 0.7])
    assert block[2:].tolist() == pytest.approx([math.log(7 * p) for p in part.likelihood], rel=1e-5)
    assert not vector[:27].any()
    assert not vector[36:].any()
    assert not NO_EVIDENCE.vector().any()
