"""A summary says what the scores say, under the names of the document."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn
from training.evaluation import summary
from training.evaluation.answers import Answers, Truth
from training.evaluation.baselines import BASELINES
from training.evaluation.evaluation import KNOWING, MODEL, UNCALIBRATED, WITH_EVIDENCE, Evaluation
from training.evaluation.summary import summarise
from worker.record import SLUGS

PROMISED = (
    "top1",
    "top3",
    "macro_recall",
    "macro_f1",
    "ece",
    "brier",
    "nll",
    "coverage",
    "mean_set_size",
    "abstained",
    "risk_at_coverage",
)


def test_the_document_has_the_promised_names(evaluation: Evaluation) -> None:
    """Every score as value, low and high; counts as numbers; sources with the same; JSON without NaN."""
    document = json.loads(json.dumps(evaluation.document(), allow_nan=False))
    assert (document["n"], document["groups"], document["sources"]) == (100, 50, 5)
    for name in PROMISED:
        assert {"value", "low", "high"} <= set(document[name]), name
        assert document[name]["low"] <= document[name]["value"] <= document[name]["high"], name
    assert set(document["per_source"]) == {f"s{number}" for number in range(5)}
    assert all({"value", "low", "high"} == set(each["top1"]) for each in document["per_source"].values())
    assert sum(each["n"] for each in document["per_source"].values()) == 100
    assert sum(map(sum, document["confusion"]["counts"])) == 100


def test_every_baseline_is_in_the_same_table(evaluation: Evaluation) -> None:
    """With a paired difference for each, the uncalibrated model among them, and what evidence adds."""
    assert set(evaluation.rows) == {MODEL, WITH_EVIDENCE, UNCALIBRATED, KNOWING, *BASELINES}
    assert set(evaluation.differences) == set(evaluation.rows) - {MODEL}
    for name, row in evaluation.differences.items():
        for score, gap in row.items():
            ours, theirs = evaluation.rows[MODEL][score].value, evaluation.rows[name][score].value
            assert ours is not None
            assert theirs is not None
            assert gap.value == pytest.approx(ours - theirs), (name, score)


def test_parts_are_judged_where_there_is_evidence(evaluation: Evaluation) -> None:
    """Thirty-four of a hundred photos have a caption: the table of parts is over these."""
    assert {row.n for row in evaluation.ablations} == {34}
    assert [row.parts for row in evaluation.ablations][:3] == ["visual", "metadata", "visual + metadata"]


def test_in_domain_stands_beside_unseen_sources(evaluation: Evaluation) -> None:
    """The same photos, groups left out: with a model that has seen every source."""
    assert evaluation.others["in domain"].n == 100
    assert evaluation.exchangeable is not None
    assert evaluation.exchangeable.inside > 0.8
    assert len(evaluation.finishings) == 5


def test_continents_of_one_source_are_listed_apart() -> None:
    """They have their recall, and no say in macro scores."""
    answers = drawn(60, seed=2)
    label = answers.truth.label.copy()
    label[answers.truth.source != "s0"] = np.where(
        label[answers.truth.source != "s0"] == 1, 0, label[answers.truth.source != "s0"]
    )
    label[0] = 1
    truth = Truth(label=label, group=answers.truth.group, source=answers.truth.source)
    found = summarise(Answers.plain(truth, answers.p))
    apart = [each for each in found.continents if not each.judged]
    assert [each.slug for each in apart] == ["antarctica"]
    assert found.document()["apart"] == ["antarctica"]
    assert "antarctica" not in found.document()["macro_over"]
    assert found.document()["per_continent"]["antarctica"]["sources"] == 1
    assert found.document()["coverage"] == {"value": None, "low": None, "high": None}


def test_confusion_counts_truth_by_row() -> None:
    """The diagonal is what is right, rows add up to the photos of a continent."""
    answers = drawn(80, seed=3)
    counts = np.array(summarise(answers).confusion)
    assert np.trace(counts) == answers.right.sum()
    assert counts.sum(axis=1).tolist() == np.bincount(answers.truth.label, minlength=len(SLUGS)).tolist()


def test_no_photo_has_no_score() -> None:
    """An empty set is an error of the caller's, not a table of dashes."""
    with pytest.raises(ValueError, match="no photo"):
        summarise(drawn(4).take(np.zeros(4, dtype=bool)))


def test_differences_resample_sources() -> None:
    """With four sources there is no interval, however many groups there are."""
    answers = drawn(24)
    assert answers.truth.sources == 4
    found = summary.differences(answers, {"same": answers})
    assert found["same"]["nll"].low is None
