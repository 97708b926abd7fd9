"""Laws of finishing: whatever the engine answers, the record keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.worker.samples import answer, photo, prepared, recipe, standard
from worker.finish.conformal import lac_set
from worker.finish.document import prediction_document
from worker.finish.finish import finish
from worker.finish.probability import Vector, posterior
from worker.record import UNDETERMINED, Moment, Timing

LOGITS = arrays(np.float64, (5, 7), elements=st.floats(-1e4, 1e4))
TIMING = Timing(queue_ms=1.0, decode_ms=2.0, infer_ms=3.0)


@given(logits=LOGITS, temperature=st.floats(0.05, 20))
def test_a_distribution_with_ordered_bounds(logits: Vector, temperature: float) -> None:
    """Σp = 1 ± 1e-6 and 0 ≤ low ≤ p ≤ high ≤ 1, for any finite logits and temperature."""
    answer = posterior(logits, temperature=temperature, student_t=2.776)
    assert answer.p.sum() == pytest.approx(1, abs=1e-6)
    assert (answer.low >= 0).all()
    assert (answer.low <= answer.p).all()
    assert (answer.p <= answer.high).all()
    assert (answer.high <= 1).all()


@given(logits=LOGITS, temperature=st.floats(0.05, 20))
def test_temperature_does_not_change_the_order(logits: Vector, temperature: float) -> None:
    """Calibration never changes which continent is the most probable."""
    mean = logits.mean(axis=0)
    p = posterior(logits, temperature=temperature, student_t=2.776).p
    assert p[int(mean.argmax())] == p.max()


@given(logits=LOGITS, quantile=st.floats(0, 1))
def test_the_conformal_set_is_nested_and_never_empty(logits: Vector, quantile: float) -> None:
    """A larger quantile keeps all that a smaller one kept, and the most probable is always in."""
    p = posterior(logits, temperature=1.0, student_t=2.776).p
    small, large = lac_set(p, quantile=quantile), lac_set(p, quantile=min(1.0, quantile + 0.1))
    assert p[small[0]] == p.max()
    assert set(small) <= set(large)


@given(logits=LOGITS, theta=st.none() | st.floats(0.01, 1))
def test_a_reason_if_and_only_if_undetermined(logits: Vector, theta: float | None) -> None:
    """A continent carries no reason and has earned its bound; undetermined always says why."""
    chosen = recipe(image=standard(theta=theta))
    prediction = finish(photo(), answer(logits.astype(np.float32)), prepared(), TIMING, chosen)
    decision = prediction.decision
    assert (decision.slug == UNDETERMINED) == (decision.reason is not None)
    if theta is None:
        assert decision.reason == "model_unqualified"
    elif decision.slug != UNDETERMINED:
        assert prediction.continents[decision.slug].low >= theta


@given(logits=LOGITS)
def test_the_document_is_plain_json_values(logits: Vector) -> None:
    """No numpy number and no NaN reaches the wire."""
    prediction = finish(photo(), answer(logits.astype(np.float32)), prepared(), TIMING, recipe())
    document = prediction_document(
        prediction, recipe(), now=Moment(wall=1_763_715_600.0, steady=101.0), budget_ms=200
    )
    leaves = [value for each in document["continents"].values() for value in each.values()]
    assert all(type(value) is float and value == value for value in leaves)  # noqa: PLR0124 - NaN is not itself
    assert document["timing"]["late"] is True
