"""Labels from what a photo's metadata says where that is sure; where it is not, a person is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from training.data.item import Item
from worker.prepare.evidence.likelihood import hedged
from worker.record import SLUGS, Evidence

Question = Literal["no_evidence", "uncertain", "contradictory", "contradicts_label"]

SURE: Final = 0.95
"""The least posterior, under even odds, at which metadata is believed without a person."""

AGREED: Final = 0.5
"""The most disagreement among streams at which their joint verdict is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one photo's label: its record, and why a person should look at it, if one should.

    `suggestion` is what the metadata speaks for, a slug, with `confidence` in 0–1; None without evidence.
    `sure` says whether that would do as a label.
    """

    item: Item
    question: Question | None
    suggestion: str | None
    confidence: float | None
    sure: bool


def judge(item: Item, evidence: Evidence) -> Verdict:
    """Label one photo from its evidence, or ask.

    A label that is there already is kept, whatever metadata says; where metadata is sure of another, a person
    is asked. Synthetic photos and those that a person reviewed are left alone.

    Args:
        item: the photo's record.
        evidence: of its metadata; GPS, where policy lets it be used, is a stream among others.
    """
    if not evidence.streams:
        asked: Question | None = "no_evidence" if item.continent_label is None else None
        return Verdict(item=item, question=asked, suggestion=None, confidence=None, sure=False)
    posterior = pooled(evidence)
    best = max(SLUGS, key=posterior.__getitem__)
    confidence = round(posterior[best], 4)
    sure = confidence >= SURE and evidence.disagreement <= AGREED
    question: Question | None = None
    if item.label_method in {"reviewed", "synthetic"}:
        pass
    elif item.continent_label is not None:
        question = "contradicts_label" if sure and best != item.continent_label else None
    elif sure:
        method: Literal["gps", "metadata"] = "gps" if "gps" in evidence.streams else "metadata"
        item = replace(item, continent_label=best, label_method=method, label_confidence=confidence)
    else:
        question = "contradictory" if evidence.disagreement > AGREED else "uncertain"
    return Verdict(item=item, question=question, suggestion=best, confidence=confidence, sure=sure)


def pooled(evidence: Evidence) -> dict[str, float]:
    """P(continent | evidence) at even odds, streams taken as independent, right as often as their quality.

    Streams of one camera or one writer are not quite independent, so that this is too sure of itself: what
    such labels are worth is measured on photos that had one before.
    """
    posterior = np.prod([hedged(stream) for stream in evidence.streams.values()], axis=0)
    return dict(zip(SLUGS, (posterior / posterior.sum()).tolist(), strict=True))
