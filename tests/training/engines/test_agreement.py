"""Whether an engine may stand for its source: the verdict, its intervals, and the committed embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from training import evaluate
from training.embeddings import Embeddings, Labels, Matrix, Names
from training.engines import cost, summary
from training.engines.agreement import NLL_MARGIN, TOLERANCE, agreement
from worker.errors import Refuse


def photos(n: int, sources: int, seed: int = 0) -> tuple[Matrix, Labels, Names]:
    """Probabilities, labels drawn from them, and sources of equal size."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(7, 0.4), n)
    label = np.array([rng.choice(7, p=row) for row in p], dtype=np.int64)
    return p, label, np.array([f"source {i % sources}" for i in range(n)])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.01, 0.03]))
def test_within_the_tolerance_no_clear_call_is_overturned(seed: int, tolerance: float) -> None:
    """The law behind the rule: what moves by at most t keeps every call with a margin above 2t."""
    p, label, source = photos(60, 6, seed)
    rng = np.random.default_rng(seed)
    moved = p + rng.uniform(-tolerance, tolerance, p.shape)
    found = agreement(p, np.maximum(moved, 1e-9), label, source, tolerance=tolerance)
    assert found.overturned == 0
    assert found.largest_gap <= tolerance + 1e-12


def test_one_clear_call_overturned_is_enough() -> None:
    """However good it is on average, an engine that calls another continent does not ship."""
    p, label, source = photos(60, 6)
    other = p.copy()
    sure = int(p.max(axis=1).argmax())
    other[sure] = np.roll(p[sure], 1)
    label[sure] = other[sure].argmax()
    found = agreement(p, other, label, source, tolerance=0.03)
    assert (found.overturned, found.verdict) == (1, "differs")
    assert found.nll < 0


def test_a_wide_interval_is_no_licence() -> None:
    """Cost nothing: ships. Cost for certain: worse. Gains and losses by source too large to tell: open."""
    p, label, source = photos(200, 20)
    same = agreement(p, p, label, source, tolerance=0.03)
    assert (same.verdict, same.nll, same.nll_high) == ("ships", 0.0, 0.0)
    flat = 0.8 * p + 0.2 / 7
    keeps = np.where((p[np.arange(200), label] > 1 / 7)[:, None], flat, p)
    costly = agreement(p, keeps, label, source, tolerance=0.5)
    assert costly.verdict == "worse"
    assert costly.nll_low > 0
    swing = np.where((np.arange(200) % 20 < 10)[:, None], p**1.5, p**0.7)
    swing /= swing.sum(axis=1, keepdims=True)
    unclear = agreement(p, swing, label, source, tolerance=0.5)
    assert unclear.nll_low <= 0 < NLL_MARGIN < unclear.nll_high
    assert unclear.verdict == "open"


def test_the_interval_is_the_one_of_source_means() -> None:
    """Sources of one size: the bootstrap over sources agrees with Student's t of their means."""
    p, label, source = photos(1200, 60)
    other = 0.95 * p + 0.05 / 7
    rows = np.arange(len(label))
    loss = np.log(p[rows, label]) - np.log(other[rows, label])
    means = np.array([loss[source == name].mean() for name in np.unique(source)])
    low, high = stats.t.interval(0.95, 59, loc=means.mean(), scale=stats.sem(means))
    found = agreement(p, other, label, source, tolerance=0.03)
    assert found.nll == pytest.approx(loss.mean())
    assert found.nll_high - found.nll_low == pytest.approx(high - low, rel=0.1)
    assert found.nll_low == pytest.approx(low, abs=0.1 * (high - low))


def test_bf16_calls_what_fp32_calls(committed: Embeddings, folds: evaluate.Folds) -> None:
    """The committed embeddings, 340 photos of 15 sources left out in turn: no clear call is overturned."""
    judged = summary.Judged(embeddings=committed.served(), label=committed.label, source=committed.source)
    found = summary.agreements(judged, folds)
    assert found["fp32"].largest_gap == 0
    bf16 = found["bf16"]
    assert (bf16.photos, bf16.sources, bf16.tolerance) == (340, 15, TOLERANCE["bf16"])
    assert bf16.clear > 250
    assert (bf16.overturned, bf16.verdict) == (0, "ships")


def test_photos_of_unknown_sources_are_not_judged(committed: Embeddings, folds: evaluate.Folds) -> None:
    """Heads that have seen a photo's source would flatter every engine: refused, with the mend."""
    source = committed.source.copy()
    source[:3] = "elsewhere"
    judged = summary.Judged(embeddings=committed.served(), label=committed.label, source=source)
    with pytest.raises(Refuse, match="1 of the photos' sources are not the heads'"):
        summary.agreements(judged, folds)


def test_what_costs_more_is_found_to() -> None:
    """Engines take turns; six times the work costs more, by processor and by clock."""
    data = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)

    def work(times: int) -> cost.Run:
        return lambda photos: [np.sort(photos, axis=None) for _ in range(times)]

    found = cost.measure({"once": work(1), "six": work(6)}, data, batches=(1, 4), rounds=3, seconds=0.02)
    for one, six in zip(found["once"], found["six"], strict=True):
        assert one.batch == six.batch
        assert six.cpu_ms > 2 * one.cpu_ms
        assert six.wall_ms > 2 * one.wall_ms
