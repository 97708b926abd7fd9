"""A data set labelled from metadata: the records, the review list, and how good such labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scipy.stats import binomtest

from training.data.item import Item
from training.data.label import Verdict

REVIEW: Final = ("image_id", "question", "continent_label", "suggestion", "confidence")
"""The columns of the review list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Where a photo had a label and metadata was sure of one: how many there were, how many agreed.

    `low` and `high` are Wilson's 95% interval of the share; None where there was no such photo. Photos of one
    group are not independent: with few groups the interval is narrower than it should be.
    """

    photos: int
    groups: int
    agreed: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The verdicts on a data set's photos, in its order."""

    verdicts: tuple[Verdict, ...]

    @property
    def items(self) -> list[Item]:
        """The records, with the labels that metadata gave."""
        return [verdict.item for verdict in self.verdicts]

    def review(self) -> Iterator[Sequence[str]]:
        """The photos that a person should look at, a row each, under REVIEW."""
        for verdict in self.verdicts:
            if verdict.question is not None:
                yield (
                    verdict.item.image_id,
                    verdict.question,
                    verdict.item.continent_label or "",
                    verdict.suggestion or "",
                    "" if verdict.confidence is None else f"{verdict.confidence:.4f}",
                )

    def agreement(self) -> Agreement:
        """How often metadata that is sure says what somebody said without it."""
        told = [
            verdict
            for verdict in self.verdicts
            if verdict.sure and verdict.item.label_method in {"manifest", "reviewed"}
        ]
        both = [verdict.suggestion == verdict.item.continent_label for verdict in told]
        if not both:
            return Agreement(photos=0, groups=0, agreed=0, low=None, high=None)
        interval = binomtest(sum(both), len(both)).proportion_ci(method="wilson")
        return Agreement(
            photos=len(both),
            groups=len({verdict.item.group for verdict in told}),
            agreed=sum(both),
            low=float(interval.low),
            high=float(interval.high),
        )

    def document(self) -> dict[str, Any]:
        """The figures in JSON's types; of single photos nothing."""
        agreement = self.agreement()
        return {
            "photos": len(self.verdicts),
            "labels": dict(Counter(item.label_method or "none" for item in self.items)),
            "review": dict(Counter(one.question for one in self.verdicts if one.question is not None)),
            "agreement": {
                "photos": agreement.photos,
                "groups": agreement.groups,
                "agreed": agreement.agreed,
                "value": agreement.agreed / agreement.photos if agreement.photos else None,
                "low": agreement.low,
                "high": agreement.high,
            },
        }
