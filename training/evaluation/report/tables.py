"""An evaluation as tables, for the page, the terminal and Markdown alike: a number is put into words once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from local.page.table import Table
from training.evaluation.evaluation import Evaluation
from training.evaluation.resampling import Figure
from training.evaluation.scores import LOWER_IS_BETTER
from training.evaluation.summary import COMPARED, Summary
from worker.record import DISPLAY_NAMES

NAMES: Final[Mapping[str, str]] = {
    "top1": "top-1",
    "top3": "top-3",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "ece": "ECE",
    "brier": "Brier",
    "nll": "NLL, nats",
    "coverage": "coverage of the 90% sets",
    "mean_set_size": "continents in a set",
    "abstained": "abstained",
    "risk_at_coverage": "risk of the surer half",
}
"""The scores in words."""

NOTHING: Final = "–"


def number(value: float | None, *, signed: bool = False) -> str:
    """Three decimals; a dash for what is not known.

    >>> number(0.41764), number(-0.0501, signed=True), number(None)
    ('0.418', '−0.050', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:{'+' if signed else ''}.3f}".replace("-", "−")


def interval(figure: Figure, *, signed: bool = False) -> str:
    """The interval, a dash for none.

    >>> interval(Figure(value=0.4, low=0.25, high=0.55))
    '0.250 to 0.550'
    """
    if figure.low is None:
        return NOTHING
    return f"{number(figure.low, signed=signed)} to {number(figure.high, signed=signed)}"


def with_interval(figure: Figure, *, signed: bool = False) -> str:
    """A value, its interval in brackets.

    >>> with_interval(Figure(value=0.4, low=None, high=None))
    '0.400'
    """
    own = number(figure.value, signed=signed)
    return own if figure.low is None else f"{own} ({interval(figure, signed=signed)})"


def scores(summary: Summary, title: str) -> Table:
    """All scores, with both intervals and what they are to be held against."""
    return Table(
        title=f"{title}: {counted(summary)}",
        columns=("", "value", "95%, over groups", "95%, over sources", "beside it"),
        rows=tuple(
            (
                NAMES[name],
                number(one.value),
                interval(one),
                interval(summary.over_sources[name]),
                _beside(name, summary),
            )
            for name, one in summary.figures.items()
            if one.value is not None
        ),
        prose=frozenset({0, 4}),
    )


def counted(summary: Summary) -> str:
    """How much was judged.

    >>> _many(1, "source"), _many(340, "photo")
    ('1 source', '340 photos')
    """
    return (
        f"{_many(summary.n, 'photo')} of {_many(summary.groups, 'group')} and"
        f" {_many(summary.sources, 'source')}"
    )


def compared(found: Evaluation) -> Table:
    """Every classifier on the same photos."""
    return Table(
        title="On the same photos; 95% intervals over groups",
        columns=("", *(NAMES[name] for name in COMPARED)),
        rows=tuple(
            (in_words(name), *(with_interval(row[score]) for score in COMPARED))
            for name, row in found.rows.items()
        ),
    )


def differences(found: Evaluation) -> Table:
    """The model less each other classifier, and whether n can tell."""
    return Table(
        title="The model less each, paired; 95% intervals over sources",
        columns=("", *(f"{NAMES[name]} ({_better(name)} is better)" for name in COMPARED)),
        rows=tuple(
            (
                in_words(name),
                *(f"{with_interval(row[score], signed=True)}{told(score, row[score])}" for score in COMPARED),
            )
            for name, row in found.differences.items()
        ),
        prose=frozenset(range(1 + len(COMPARED))),
    )


def continents(summary: Summary) -> Table:
    """Recall and F1 by continent."""
    return Table(
        title="By continent; those of one source are not in macro scores",
        columns=("", "photos", "sources", "in macro", "recall", "95%, over groups", "F1"),
        rows=tuple(
            (
                DISPLAY_NAMES[each.slug],
                str(each.n),
                str(each.sources),
                "yes" if each.judged else "no",
                number(each.recall.value),
                interval(each.recall),
                number(each.f1.value),
            )
            for each in summary.continents
        ),
        prose=frozenset({0, 3}),
    )


def sources(summary: Summary) -> Table:
    """Every source by itself: on each, the model is what all others have taught it."""
    names = ("top1", "top3", "nll", "coverage")
    return Table(
        title="By source; 95% intervals over its groups, where there are five",
        columns=("source", "photos", "groups", *(NAMES[name] for name in names)),
        rows=tuple(
            (
                source,
                str(each.n),
                str(each.groups),
                *(with_interval(each.figures[name]) for name in names),
            )
            for source, each in sorted(summary.per_source.items(), key=lambda item: -item[1].n)
        ),
    )


def domains(found: Evaluation) -> Table:
    """The same scores on other sets of photos."""
    named = {"": found.summary, **found.others}
    names = ("top1", "macro_recall", "nll", "coverage")
    return Table(
        title="On other photos, or otherwise left out; 95% intervals over groups",
        columns=("photos", "n", *(NAMES[name] for name in names), "ECE", "expected if calibrated"),
        rows=tuple(
            (
                name or "the above",
                str(summary.n),
                *(with_interval(summary.figures[score]) for score in names),
                number(summary.reliability.ece),
                number(summary.reliability.expected),
            )
            for name, summary in named.items()
        ),
    )


def finishings(found: Evaluation) -> Table:
    """What was fitted for the photos of each source without it."""
    return Table(
        title="Fitted without each source",
        columns=("source", "temperature", "conformal quantile", "threshold θ"),
        rows=tuple(
            (name, number(one.temperature), number(one.quantile), number(one.theta))
            for name, one in found.finishings.items()
        ),
    )


def robustness(found: Evaluation) -> Table:
    """Every corruption at every severity, against the same photos clean."""
    return Table(
        title=f"{found.robustness_photos}, corrupted; changes are paired, 95% intervals over groups",
        columns=(
            "corruption",
            "severity",
            "top-1",
            "same answer as clean",
            "change of top-1",
            "change of NLL",
        ),
        rows=tuple(
            (
                in_words(row.corruption),
                str(row.severity),
                number(row.top1.value),
                with_interval(row.agreement),
                with_interval(row.top1_change, signed=True),
                with_interval(row.nll_change, signed=True),
            )
            for row in found.robustness
        ),
    )


def robustness_in_short(found: Evaluation) -> Table:
    """How many answers stay what they were, a row a corruption."""
    names = dict.fromkeys(row.corruption for row in found.robustness)
    agreement = {(row.corruption, row.severity): row.agreement.value for row in found.robustness}
    return Table(
        title=f"{found.robustness_photos}, corrupted: the share with the same answer as clean",
        columns=("corruption", "light", "medium", "heavy"),
        rows=tuple(
            (in_words(name), *(number(agreement.get((name, severity))) for severity in (1, 2, 3)))
            for name in names
        ),
    )


def ablations(found: Evaluation) -> Table:
    """What each part of the evidence is worth."""
    return Table(
        title=f"By the parts that were used, joined by {found.joined_by}; changes against the pixels alone,"
        " 95% intervals over groups",
        columns=("parts", "photos", "top-1", "change", "relative", "NLL, nats", "change"),
        rows=tuple(
            (
                row.parts,
                str(row.n),
                number(row.top1.value),
                with_interval(row.top1_change, signed=True),
                NOTHING if row.relative is None else f"{row.relative:+.0%}".replace("-", "−"),
                number(row.nll.value),
                with_interval(row.nll_change, signed=True),
            )
            for row in found.ablations
        ),
    )


def confusion(summary: Summary) -> Table:
    """How many photos of each continent were called what."""
    names = [DISPLAY_NAMES[slug] for slug in DISPLAY_NAMES]
    return Table(
        title="Photos by their continent (rows) and the most probable one (columns)",
        columns=("", *names),
        rows=tuple(
            (name, *(str(count) for count in line))
            for name, line in zip(names, summary.confusion, strict=True)
        ),
    )


def counts(found: Evaluation) -> Iterator[str]:
    """What became of photos that have no score, in sentences."""
    words = {
        "passed_over": "Rows passed over",
        "rejected": "Photos that the worker rejects",
        "undetermined": "Photos of which no continent is called",
        "evidence": "Photos that carry evidence of a kind",
    }
    for name, each in found.counts.items():
        if any(each.values()):
            told = ", ".join(f"{count} {in_words(why)}" for why, count in sorted(each.items()) if count)
            yield f"{words.get(name, in_words(name))}: {told}."


def in_words(name: str) -> str:
    """A name as it is read.

    >>> in_words("nearest_neighbour")
    'nearest neighbour'
    """
    return name.replace("_", " ")


def _beside(name: str, summary: Summary) -> str:
    if name == "ece":
        found = summary.reliability
        return (
            f"expected if perfectly calibrated {number(found.expected)}, debiased"
            f" {number(found.debiased, signed=True)}, p = {number(found.p_value)}"
        )
    if name.startswith("macro"):
        judged = [DISPLAY_NAMES[each.slug] for each in summary.continents if each.judged]
        return f"over {', '.join(judged)}"
    if name == "risk_at_coverage":
        curve = summary.curve
        return (
            f"area under the curve {number(curve.area)}; blind {number(curve.blind)}, best"
            f" {number(curve.best)}"
        )
    return ""


def told(score: str, figure: Figure) -> str:
    """The verdict on a difference of one score, after a semicolon.

    >>> told("nll", Figure(value=-0.2, low=-0.3, high=-0.1))
    '; better'
    """
    if figure.verdict != "excludes zero" or figure.value is None:
        return "; n cannot tell"
    lower = figure.value < 0
    return "; better" if lower == (score in LOWER_IS_BETTER) else "; worse"


def _better(name: str) -> str:
    return "lower" if name in LOWER_IS_BETTER else "higher"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
