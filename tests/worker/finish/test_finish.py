"""From the engine's two answers to one prediction: which stage speaks, and what it is held to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.worker.samples import answer, photo, prepared, recipe, standard, told
from worker.finish.document import prediction_document
from worker.finish.finish import finish
from worker.record import SLUGS, STREAMS, Evidence, Logits, Moment, Prediction, Timing

TIMING = Timing(queue_ms=1.0, decode_ms=2.0, infer_ms=3.0)
NOW = Moment(wall=1_763_715_600.0, steady=101.0)


def for_one(slug: str, height: float = 5.0) -> Logits:
    """Five heads that agree on a continent, nearly."""
    z = np.zeros((5, 7), np.float32)
    z[:, SLUGS.index(slug)] = height + np.linspace(-0.1, 0.1, 5)
    return z


def test_without_evidence_the_image_speaks_and_is_held_to_its_own() -> None:
    """The second stage is not looked at: an engine that differs there changes nothing."""
    own = recipe(image=standard(theta=0.5), fused=standard(theta=0.999))
    found = finish(photo(), answer(for_one("asia"), for_one("europe")), prepared(), TIMING, own)
    assert found.decision.slug == "asia"
    assert found.fused is None
    assert found.validated is True
    assert found.continents["asia"].p == found.stage1["asia"]


def test_with_evidence_the_fused_answer_speaks_and_is_held_to_its_own() -> None:
    """Continents, set, threshold and validation are those of the second stage; stage 1 is kept beside it."""
    own = recipe(image=standard(theta=0.999), fused=standard(theta=0.5, quantile=0.1, validated=False))
    evidence = told(caption=("europe", 0.5))
    found = finish(
        photo(),
        answer(for_one("asia", 1.0), for_one("europe"), 0.25),
        prepared(evidence=evidence),
        TIMING,
        own,
    )
    assert found.decision.slug == "europe"
    assert found.conformal_set == ("europe",)
    assert found.validated is False
    assert found.fused == {slug: each.p for slug, each in found.continents.items()}
    assert max(found.stage1, key=lambda slug: found.stage1[slug]) == "asia"
    assert found.weights == dict.fromkeys(STREAMS, 0.25)


def test_a_contradiction_is_undetermined_however_sure_the_answer() -> None:
    """Claims of two continents leave no continent to call, whatever comes out of weighing them."""
    evidence = Evidence(
        streams=told(caption=("europe", 0.9), timezone=("asia", 0.9)).streams,
        gps_continent="asia",
        disagreement=0.9,
    )
    found = finish(photo(), answer(for_one("asia")), prepared(evidence=evidence), TIMING, recipe())
    assert (found.decision.slug, found.decision.reason) == ("undetermined", "conflict")
    assert found.conflict.metadata == 0.9


def test_a_model_that_takes_no_evidence_says_nothing_of_it() -> None:
    """The record has null where nothing was produced, and numbers where it was."""
    alone = finish(photo(), answer(for_one("asia")), prepared(), TIMING, recipe(fused=None))
    plain = document(alone, fused=False)
    assert plain["evidence"] == {"gps_continent": None, "streams": None}
    assert plain["conflict"] == {"flag": None, "score": None, "pixels": None, "metadata": None}
    untold = document(finish(photo(), answer(for_one("asia")), prepared(), TIMING, recipe()), fused=True)
    absent = {"present": False, "quality": None, "weight": None}
    assert untold["evidence"]["streams"] == dict.fromkeys(STREAMS, absent)
    assert untold["conflict"] == {"flag": False, "score": 0.0, "pixels": 0.0, "metadata": 0.0}


def test_a_stream_is_told_by_its_quality_and_its_gate_alone() -> None:
    """What the stream says is not in the record, only how far it is trusted and was let in."""
    evidence = told(caption=("europe", 0.5))
    found = document(
        finish(photo(), answer(for_one("asia"), gates=0.25), prepared(evidence=evidence), TIMING, recipe()),
        fused=True,
    )
    assert found["evidence"]["streams"]["caption"] == {"present": True, "quality": 0.5, "weight": 0.25}
    assert found["fused"] is not None


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_an_answer_that_is_no_number_is_no_answer(stage: str) -> None:
    """Neither stage may be infinite, and neither may have another number of labels."""
    evidence = told(caption=("europe", 0.5))
    for wrong in (np.full((5, 7), np.inf, np.float32), np.zeros((5, 6), np.float32)):
        well = for_one("asia")
        said = answer(wrong, well) if stage == "stage1" else answer(well, wrong)
        with pytest.raises(ValueError, match=r"not finite|labels"):
            finish(photo(), said, prepared(evidence=evidence), TIMING, recipe())


def document(prediction: Prediction, *, fused: bool) -> dict[str, Any]:
    """The record, of a model that takes evidence or of one that does not."""
    own = recipe() if fused else recipe(fused=None)
    return prediction_document(prediction, own, now=NOW, budget_ms=200)
