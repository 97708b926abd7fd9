"""All scores of one classifier on one set of photos, with their intervals: a row of every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from training.evaluation import reliability, selective
from training.evaluation.answers import Answers
from training.evaluation.reliability import Reliability
from training.evaluation.resampling import Figure, difference, figure
from training.evaluation.scores import HALF, SCORES, f1, recall
from training.evaluation.selective import Curve
from worker.record import SLUGS

COMPARED: Final = ("top1", "macro_recall", "nll", "brier")
"""The scores by which classifiers are held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continent:
    """How well one continent is found; `judged`: at least two sources show it, so macro scores count it."""

    slug: str
    n: int
    sources: int
    judged: bool
    recall: Figure
    f1: Figure

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "n": self.n,
            "sources": self.sources,
            "in_macro": self.judged,
            "recall": self.recall.document(),
            "f1": self.f1.document(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSource:
    """How good the answers for the photos of one source are; intervals over its groups."""

    n: int
    groups: int
    figures: Mapping[str, Figure]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"n": self.n, "groups": self.groups, **_documents(self.figures)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Scores by their JSON names with intervals over groups, and over sources in `over_sources`.

    `confusion` (7, 7) counts photos, rows are the truth, columns what was most probable.
    """

    n: int
    groups: int
    sources: int
    figures: Mapping[str, Figure]
    over_sources: Mapping[str, Figure]
    continents: tuple[Continent, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: Reliability
    curve: Curve
    per_source: Mapping[str, OfSource]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found = _documents(self.figures)
        found["ece"] |= self.reliability.document()
        found["risk_at_coverage"] |= {"at": HALF, **self.curve.document()}
        return {
            "n": self.n,
            "groups": self.groups,
            "sources": self.sources,
            **found,
            "over_sources": _documents(self.over_sources),
            "macro_over": [each.slug for each in self.continents if each.judged],
            "apart": [each.slug for each in self.continents if not each.judged],
            "per_continent": {each.slug: each.document() for each in self.continents},
            "confusion": {"labels": list(SLUGS), "rows_are": "truth", "counts": self.confusion},
            "per_source": {name: each.document() for name, each in self.per_source.items()},
        }


def summarise(answers: Answers) -> Summary:
    """Score the answers every way.

    Raises:
        ValueError: there is no photo.
    """
    if not len(answers):
        raise ValueError("no photo, no score")
    truth = answers.truth
    return Summary(
        n=len(truth),
        groups=truth.groups,
        sources=truth.sources,
        figures={name: figure(score, answers, truth.group) for name, score in SCORES.items()},
        over_sources={name: figure(score, answers, truth.source) for name, score in SCORES.items()},
        continents=tuple(_continents(answers)),
        confusion=_confusion(answers),
        reliability=reliability.measure(answers),
        curve=selective.measure(answers),
        per_source={
            str(name): _of_source(answers.take(truth.source == name)) for name in np.unique(truth.source)
        },
    )


def differences(
    one: Answers, others: Mapping[str, Answers], names: Sequence[str] = COMPARED
) -> dict[str, dict[str, Figure]]:
    """The scores of `one` less those of each other, paired, intervals over sources."""
    return {
        name: {score: difference(SCORES[score], one, other, one.truth.source) for score in names}
        for name, other in others.items()
    }


def row(answers: Answers, names: Sequence[str] = COMPARED) -> dict[str, Figure]:
    """A few scores, intervals over groups: a row for a baseline."""
    return {name: figure(SCORES[name], answers, answers.truth.group) for name in names}


def _continents(answers: Answers) -> list[Continent]:
    truth = answers.truth
    found = []
    for label in np.unique(truth.label):
        own = truth.label == label
        # Over the groups that show the continent: in draws without any there is nothing to find.
        found.append(
            Continent(
                slug=SLUGS[label],
                n=int(own.sum()),
                sources=len(np.unique(truth.source[own])),
                judged=int(label) in truth.judged,
                recall=figure(partial(recall, label=int(label)), answers.take(own), truth.group[own]),
                f1=figure(partial(f1, label=int(label)), answers, truth.group),
            )
        )
    return found


def _confusion(answers: Answers) -> tuple[tuple[int, ...], ...]:
    counts = np.zeros((len(SLUGS), len(SLUGS)), dtype=np.int64)
    np.add.at(counts, (answers.truth.label, answers.p.argmax(axis=1)), 1)
    return tuple(tuple(map(int, line)) for line in counts)


def _of_source(answers: Answers) -> OfSource:
    names = ("top1", "top3", "nll", "brier", "coverage", "abstained")
    return OfSource(n=len(answers), groups=answers.truth.groups, figures=row(answers, names))


def _documents(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: each.document() for name, each in figures.items()}
