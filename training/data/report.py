"""What is wrong with a data set, what is missing in it, and what it leans towards.

Photos are named by the number of their row, never by file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from training.data import bias, licences
from training.data.corpus import Corpus
from training.data.item import FIELDS, SPLITS, SYNTHETIC_SHARE
from worker.record import SLUGS

Code = Literal[
    "invalid",
    "file",
    "exact_duplicate",
    "near_duplicate_of_other_label",
    "near_duplicate_across_splits",
    "group_across_splits",
    "synthetic_share",
    "restricted_licence",
    "unknown_licence",
    "sensitive",
    "no_label",
]
ERRORS: Final = frozenset(
    {
        "invalid",
        "file",
        "near_duplicate_of_other_label",
        "near_duplicate_across_splits",
        "group_across_splits",
        "synthetic_share",
    }
)
"""Findings that make a data set wrong; the others are for its owner to judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of trouble and the rows that have it; `what` says which field, reason or split."""

    code: Code
    what: str
    rows: tuple[int, ...]

    @property
    def is_error(self) -> bool:
        """Whether the data set is wrong because of it."""
        return self.code in ERRORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many photos, groups and sources a continent has."""

    photos: int
    groups: int
    sources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A data set's validation: counts are of valid rows but `rows`, shares are of 1.

    `readable` counts the photos that the worker would take, `usable` those of them that have a label and are
    not sensitive.
    `completeness` counts the records that say something, by field; `licences` counts by family; `pairs`
    counts near-duplicates, exact ones among them; `clusters` is what may be dealt out to splits.
    """

    rows: int
    valid: int
    readable: int
    usable: int
    findings: tuple[Finding, ...]
    completeness: dict[str, int]
    continents: dict[str, Count]
    licences: dict[str, int]
    splits: dict[str, dict[str, int]]
    synthetic: int
    groups: int
    clusters: int
    pairs: int
    bias: bias.Bias

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.is_error for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """The report in JSON's types."""
        found = [asdict(one) | {"severity": "error" if one.is_error else "warning"} for one in self.findings]
        total = max(self.valid, 1)
        return asdict(self) | {
            "holds": self.holds,
            "findings": found,
            "completeness": {
                name: {"present": present, "of": self.valid} for name, present in self.completeness.items()
            },
            "licences": {
                name: {"photos": count, "share": count / total, "target": licences.TARGET.get(name)}
                for name, count in self.licences.items()
            },
            "bias": asdict(self.bias) | {"notes": list(self.bias.notes())},
        }


def validate(corpus: Corpus) -> Report:
    """Judge a data set whose photos were looked into."""
    items = corpus.items
    families = Counter(licences.family(item) for item in items)
    return Report(
        rows=len(corpus.rows),
        valid=len(items),
        readable=sum(one.look.rejected is None for one in corpus.seen),
        usable=int(corpus.usable().sum()),
        findings=tuple(_findings(corpus)),
        completeness={
            name: sum(getattr(item, name) not in {None, "unknown", ""} for item in items) for name in FIELDS
        },
        continents={slug: _count(corpus, slug) for slug in SLUGS},
        licences={name: families[name] for name in ("open", "stock", "contributed", "restricted", "unknown")},
        splits={
            split: {
                slug: sum(item.data_split == split and item.continent_label == slug for item in items)
                for slug in SLUGS
            }
            for split in SPLITS
        },
        synthetic=int(corpus.synthetic().sum()),
        groups=len({item.group for item in items}),
        clusters=len(np.unique(corpus.cluster)),
        pairs=len(corpus.near),
        bias=bias.measure(items),
    )


def _count(corpus: Corpus, slug: str) -> Count:
    here = [item for item in corpus.items if item.continent_label == slug]
    return Count(
        photos=len(here),
        groups=len({item.group for item in here}),
        sources=len({item.source for item in here if item.source is not None}),
    )


def _findings(corpus: Corpus) -> Iterable[Finding]:
    """Everything found, errors before warnings."""
    found = [*_rows(corpus), *_photos(corpus), *_pairs(corpus), *_across(corpus), *_share(corpus)]
    return sorted(found, key=lambda one: not one.is_error)


def _rows(corpus: Corpus) -> Iterable[Finding]:
    wrong: dict[str, list[int]] = defaultdict(list)
    for row in corpus.rows:
        for fault in row.faults:
            wrong[fault].append(row.number)
    return (Finding(code="invalid", what=field, rows=tuple(rows)) for field, rows in sorted(wrong.items()))


def _photos(corpus: Corpus) -> Iterable[Finding]:
    found: dict[tuple[Code, str], list[int]] = defaultdict(list)
    for one in corpus.seen:
        number, family = one.row.number, licences.family(one.item)
        if one.look.rejected is not None:
            found["file", one.look.rejected].append(number)
        if family == "restricted":
            found["restricted_licence", "license"].append(number)
        if family == "unknown":
            found["unknown_licence", "license"].append(number)
        if one.item.sensitive:
            found["sensitive", "sensitive"].append(number)
        if one.item.continent_label is None:
            found["no_label", "continent_label"].append(number)
    return (Finding(code=code, what=what, rows=tuple(rows)) for (code, what), rows in sorted(found.items()))


def _pairs(corpus: Corpus) -> Iterable[Finding]:
    labels: set[int] = set()
    splits: set[int] = set()
    for pair in corpus.near:
        one, other = (corpus.seen[place] for place in pair)
        rows = {one.row.number, other.row.number}
        if len({one.item.continent_label, other.item.continent_label} - {None}) > 1:
            labels |= rows
        if len({one.item.data_split, other.item.data_split} - {None}) > 1:
            splits |= rows
    if labels:
        yield Finding(
            code="near_duplicate_of_other_label", what="continent_label", rows=tuple(sorted(labels))
        )
    if splits:
        yield Finding(code="near_duplicate_across_splits", what="data_split", rows=tuple(sorted(splits)))
    same: dict[str, list[int]] = defaultdict(list)
    for seen in corpus.seen:
        if seen.look.sha256 is not None:
            same[seen.look.sha256].append(seen.row.number)
    exact = sorted(number for rows in same.values() if len(rows) > 1 for number in rows)
    if exact:
        yield Finding(code="exact_duplicate", what="file", rows=tuple(exact))


def _across(corpus: Corpus) -> Iterable[Finding]:
    members: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for one in corpus.seen:
        if one.item.data_split is not None:
            members[one.item.group].append((one.item.data_split, one.row.number))
    torn = [each for each in members.values() if len({split for split, _ in each}) > 1]
    if torn:
        rows = tuple(sorted(number for each in torn for _, number in each))
        yield Finding(code="group_across_splits", what="data_split", rows=rows)


def _share(corpus: Corpus) -> Iterable[Finding]:
    rows = tuple(one.row.number for one in corpus.seen if one.item.synthetic)
    if len(rows) > SYNTHETIC_SHARE * len(corpus.seen):
        yield Finding(code="synthetic_share", what="label_method", rows=rows)
