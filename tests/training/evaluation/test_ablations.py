"""What parts of the evidence are worth, by a pool that is Bayes' rule where streams are independent."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn, softmax, truth_of
from training.evaluation.ablations import OPEN, VISUAL, ablate, log_p, table
from training.fusion.batch import EvidenceBatch
from worker.record import NO_EVIDENCE, Evidence, Stream

LIKELIHOOD = (0.05, 0.05, 0.5, 0.2, 0.1, 0.05, 0.05)


def evidence(**streams: tuple[tuple[float, ...], float]) -> Evidence:
    """Evidence of these streams: likelihood and quality."""
    made = {name: Stream(likelihood=one, quality=quality) for name, (one, quality) in streams.items()}
    return Evidence(streams=made, gps_continent=None, disagreement=0.0)


def one(image: np.ndarray, said: Evidence) -> dict[str, np.ndarray]:
    """Probabilities (7,) of one photo by parts."""
    found = ablate(truth_of(np.array([0])), log_p(image[None]), EvidenceBatch.of([said]))
    return {name: each.p[0] for name, each in found.items()}


def test_parts_are_joined_by_bayes_rule() -> None:
    """With full quality the image is multiplied by the likelihood; alone the likelihood is the answer."""
    image = softmax(np.arange(7.0))
    expected = image * LIKELIHOOD
    found = one(image, evidence(caption=(LIKELIHOOD, 1.0)))
    assert found[OPEN] == pytest.approx(expected / expected.sum(), rel=1e-5)
    assert found["visual + caption"] == pytest.approx(found[OPEN])
    assert found["metadata"] == pytest.approx(LIKELIHOOD, rel=1e-5)
    assert found[VISUAL] == pytest.approx(image)


def test_quality_tempers_and_absence_changes_nothing() -> None:
    """Half the quality is the root of the likelihood; no evidence leaves the pixels alone."""
    image = softmax(np.arange(7.0))
    expected = image * np.sqrt(LIKELIHOOD)
    assert one(image, evidence(clock=(LIKELIHOOD, 0.5)))[OPEN] == pytest.approx(
        expected / expected.sum(), rel=1e-5
    )
    nothing = one(image, NO_EVIDENCE)
    assert set(nothing) == {VISUAL, "metadata", OPEN}
    assert nothing[OPEN] == pytest.approx(image)
    assert nothing["metadata"] == pytest.approx(np.full(7, 1 / 7))


def test_only_the_closed_part_uses_gps() -> None:
    """A place that says Asia, with certainty, moves the part that is named for it and no other."""
    answers = drawn(40)
    sure = tuple(0.9994 if i == 2 else 0.0001 for i in range(7))
    batch = EvidenceBatch.of([evidence(gps=(sure, 1.0))] * 40)
    found = ablate(answers.truth, log_p(answers.p), batch)
    assert list(found) == [VISUAL, "metadata", OPEN, "visual + metadata + gps"]
    assert found[OPEN].p == pytest.approx(answers.p)
    assert found["metadata"].p == pytest.approx(np.full((40, 7), 1 / 7))
    assert (found["visual + metadata + gps"].p.argmax(axis=1) == 2).all()


def test_where_gps_was_looked_at_is_its_own_evidence() -> None:
    """A clock that only GPS gave is in the row that is named for GPS and in no other."""
    answers = drawn(20)
    sure = tuple(0.9994 if i == 2 else 0.0001 for i in range(7))
    nothing = EvidenceBatch.of([NO_EVIDENCE] * 20)
    located = EvidenceBatch.of([evidence(gps=(sure, 1.0), clock=(sure, 1.0))] * 20)
    found = ablate(answers.truth, log_p(answers.p), nothing, located=located)
    assert list(found) == [VISUAL, "metadata", OPEN, "visual + metadata + gps"]
    assert found[OPEN].p == pytest.approx(answers.p)
    assert (found["visual + metadata + gps"].p.argmax(axis=1) == 2).all()


def test_evidence_that_tells_the_truth_is_worth_something() -> None:
    """The change against the pixels is what it is, absolute and relative, and its interval leaves zero."""
    answers = drawn(120, seed=1)
    batch = EvidenceBatch.of(
        [
            evidence(timezone=(tuple(0.52 if i == truth else 0.08 for i in range(7)), 1.0))
            for truth in answers.truth.label
        ]
    )
    rows = {row.parts: row for row in table(ablate(answers.truth, log_p(answers.p), batch))}
    assert set(rows) == {VISUAL, "metadata", OPEN, "visual + timezone"}
    both, alone = rows[OPEN], rows[VISUAL]
    assert both.top1.value is not None
    assert alone.top1.value is not None
    assert both.top1_change.value == pytest.approx(both.top1.value - alone.top1.value)
    assert both.relative == pytest.approx(both.top1.value / alone.top1.value - 1)
    assert both.top1_change.verdict == "excludes zero"
    assert both.nll_change.value is not None
    assert both.nll_change.value < 0
    assert alone.top1_change.value == 0.0
    assert both.document()["top1_change_relative"] == round(both.relative or 0.0, 4)
