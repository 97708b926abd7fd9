"""Validation and splits as tables that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from training.data import licences
from training.data.divide import Division
from training.data.item import SPLITS
from training.data.labelled import Labelled
from training.data.report import Finding, Report
from worker.record import DISPLAY_NAMES, SLUGS

_ROWS_SHOWN = 8


def report(found: Report) -> Group:
    """A validation report: findings, continents, completeness, licences, leanings."""
    return Group(
        Text(
            f"{found.rows} rows, {found.valid} valid, {found.readable} files readable, {found.usable} photos"
            f" to use; {found.groups} groups, {found.pairs} pairs of near-duplicates, {found.clusters}"
            " clusters that stay together"
        ),
        *_findings(found.findings),
        _continents(found),
        _table(
            "Says something in",
            ("field", "photos"),
            [(name, f"{n}") for name, n in found.completeness.items()],
        ),
        _licences(found),
        *(Text(f"• {note}") for note in found.bias.notes()),
        Text("The data set holds." if found.holds else "The data set does not hold: mend the errors."),
    )


def division(found: Division) -> Group:
    """What became of a split."""
    rows = [
        (DISPLAY_NAMES[slug], *(str(found.parts[split].continents[slug]) for split in SPLITS))
        for slug in SLUGS
    ]
    rows.append(
        ("all", *(f"{found.parts[split].photos} ({found.parts[split].share:.1%})" for split in SPLITS))
    )
    rows.append(("clusters", *(str(found.parts[split].clusters) for split in SPLITS)))
    lacks = [
        Text(
            f"• {lack.split} has no photo of {DISPLAY_NAMES[lack.continent]}, which has too few groups:"
            f" {lack.clusters}."
        )
        for lack in found.lacks
    ]
    left = [
        Text(f"• {n} rows are in no split: {why.replace('_', ' ')}.") for why, n in found.left_out.items()
    ]
    return Group(_table("Photos", ("continent", *SPLITS), rows), *lacks, *left)


def labels(found: Labelled) -> Group:
    """What became of labelling."""
    figures, agreement = found.document(), found.agreement()
    rows = [(f"label: {name}", str(n)) for name, n in figures["labels"].items()]
    rows += [(f"to review: {name.replace('_', ' ')}", str(n)) for name, n in figures["review"].items()]
    told = "No photo has both a label and metadata that is sure: nothing says how good such labels are."
    if agreement.photos:
        told = (
            f"Where a label was there and metadata was sure, they agreed on {agreement.agreed} of"
            f" {agreement.photos} photos of {agreement.groups} groups"
            f" (95% interval {agreement.low:.2f}–{agreement.high:.2f})."
        )
    return Group(_table("Labels", ("", "photos"), rows), Text(told))


def _findings(findings: Sequence[Finding]) -> Iterable[RenderableType]:
    if findings:
        yield _table(
            "Found",
            ("", "what", "where", "photos", "rows"),
            [
                (
                    "error" if one.is_error else "warning",
                    one.code.replace("_", " "),
                    one.what.replace("_", " "),
                    str(len(one.rows)),
                    ", ".join(map(str, one.rows[:_ROWS_SHOWN]))
                    + (" …" if len(one.rows) > _ROWS_SHOWN else ""),
                )
                for one in findings
            ],
        )


def _continents(found: Report) -> Table:
    split = [name for name in SPLITS if any(found.splits[name].values())]
    headings = ("continent", "photos", "groups", "sources", *split)
    rows = [
        (
            DISPLAY_NAMES[slug],
            *map(str, (count.photos, count.groups, count.sources)),
            *(str(found.splits[name][slug]) for name in split),
        )
        for slug, count in found.continents.items()
    ]
    return _table("Continents", headings, rows)


def _licences(found: Report) -> Table:
    total = max(found.valid, 1)
    rows = [
        (
            name,
            str(count),
            f"{count / total:.0%}",
            f"{licences.TARGET[name]:.0%}" if name in licences.TARGET else "",
        )
        for name, count in found.licences.items()
    ]
    return _table("Licences", ("family", "photos", "share", "target"), rows)


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    return table
