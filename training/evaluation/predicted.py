"""From the worker's outcomes to answers that can be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.answers import Answers, Truth
from training.evaluation.labelled import LabelledPhoto
from training.fusion.batch import EvidenceBatch
from worker.record import SLUGS, UNDETERMINED, Outcome, Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What the worker said of the photos that it took.

    `final` is what it publishes, `visual` what the pixels alone say (stage 1). `reasons` counts why photos
    were called nothing, `rejected` why they could not be processed; `rows` are those that were, by their
    place in the list, and `evidence` what their metadata said.
    """

    final: Answers
    visual: Answers
    rows: tuple[int, ...]
    reasons: dict[str, int]
    rejected: dict[str, int]
    evidence: EvidenceBatch


def predicted(photos: Sequence[LabelledPhoto], outcomes: Sequence[Outcome]) -> Predicted:
    """Join outcomes with the truth.

    Raises:
        ValueError: there is not one outcome for each photo.
    """
    taken = [
        (row, photo, outcome)
        for row, (photo, outcome) in enumerate(zip(photos, outcomes, strict=True))
        if isinstance(outcome, Prediction)
    ]
    truth = truth_of([photo for _, photo, _ in taken])
    p = np.array([[said.continents[slug].p for slug in SLUGS] for _, _, said in taken]).reshape(
        -1, len(SLUGS)
    )
    visual = np.array([[said.stage1[slug] for slug in SLUGS] for _, _, said in taken]).reshape(p.shape)
    return Predicted(
        final=Answers(
            truth=truth,
            p=p,
            sureness=np.array([_lower(said) for _, _, said in taken], dtype=np.float64),
            sets=np.array(
                [[slug in said.conformal_set for slug in SLUGS] for _, _, said in taken], dtype=bool
            ).reshape(p.shape),
            called=np.array([said.decision.slug != UNDETERMINED for _, _, said in taken], dtype=bool),
        ),
        visual=Answers.plain(truth, visual),
        rows=tuple(row for row, _, _ in taken),
        reasons=dict(
            Counter(said.decision.reason for _, _, said in taken if said.decision.reason is not None)
        ),
        rejected=dict(Counter(one.reason for one in outcomes if not isinstance(one, Prediction))),
        evidence=EvidenceBatch.of([said.evidence for _, _, said in taken]),
    )


def truth_of(photos: Sequence[LabelledPhoto]) -> Truth:
    """What is known of the photos."""
    return Truth(
        label=np.array([photo.label for photo in photos], dtype=np.int64),
        group=np.array([photo.group for photo in photos], dtype=np.str_),
        source=np.array([photo.source for photo in photos], dtype=np.str_),
    )


def _lower(said: Prediction) -> float:
    return max(said.continents.values(), key=lambda each: each.p).low
