"""Parity asks heads about evidence as photos carry it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from training.engines import told
from training.engines.parity import LEAST_COSINE, ensure_close, measure
from training.engines.reference import Array, Feed, answers
from training.fusion.batch import EvidenceBatch
from training.places import MODELS
from worker.errors import Refuse
from worker.record import LEAST_LIKELIHOOD, STREAMS


def test_every_kind_of_evidence_is_asked_about() -> None:
    """None, one, all; qualities of 0, of hardly anything and of 1; for and against; contradictions."""
    rows = told.evidence()
    batch = EvidenceBatch.from_vectors(rows)
    count = batch.present.sum(axis=1)
    assert not rows[count == 0].any()
    assert {0, 1, len(STREAMS)} <= set(count.tolist())
    assert {tuple(row) for row in batch.present[count == 1].tolist()} == set(map(tuple, np.eye(7).tolist()))
    there = batch.quality[batch.present > 0]
    assert (there.min(), there.max()) == (0, 1)
    assert ((there > 0) & (there < 0.01)).any()
    support = batch.support[batch.present > 0]
    assert support.min() == pytest.approx(np.log(7 * LEAST_LIKELIHOOD))
    assert support.max() == pytest.approx(np.log(7), abs=1e-3)
    assert 0.2 < (support < 0).mean() < 0.95
    best = np.where(batch.present > 0, batch.support.argmax(axis=2), -1)
    assert any(len(set(row[row >= 0].tolist())) > 1 for row in best)
    assert (rows == told.evidence()).all()


def run_with(change: Callable[[Array], Array]) -> Callable[[Feed], Mapping[str, Array]]:
    """The committed heads as an engine that does something to its evidence first."""
    heads = (MODELS / "fusion" / "1" / "model.onnx").read_bytes()
    return lambda feed: answers(heads, {**feed, "evidence": change(np.asarray(feed["evidence"], np.float32))})


def without_negatives(rows: Array) -> Array:
    """What a wrong clamp would leave."""
    return np.maximum(rows, 0)


def all_present(rows: Array) -> Array:
    """As if every stream were there, as good as the best."""
    changed = rows.reshape(-1, len(STREAMS), 9).copy()
    changed[:, :, :2] = 1
    return changed.reshape(rows.shape)


@pytest.mark.parametrize("change", [without_negatives, all_present])
def test_an_engine_that_misreads_evidence_is_refused(change: Callable[[Array], Array]) -> None:
    """A clamp, which noise of positive values alone cannot show, and a lost presence."""
    onnx = {name: (MODELS / name / "1" / "model.onnx").read_bytes() for name in ("efficientnet", "fusion")}
    faithful = measure(onnx, "fusion", (), run_with(lambda rows: rows))
    assert (faithful.photos, faithful.max_abs_difference) == (3, 0)
    found = measure(onnx, "fusion", (), run_with(change))
    assert found.max_abs_difference > 0.1
    assert found.min_cosine < LEAST_COSINE["fp32"]
    with pytest.raises(Refuse, match="too far from its source"):
        ensure_close(found, "fusion", "fp32")
