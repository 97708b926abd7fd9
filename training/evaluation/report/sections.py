"""What a page of an evaluation holds, in order: values that the template lays out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from local.page.blocks import Block, Picture, Section, Tile
from training.evaluation.coverage import HALVINGS
from training.evaluation.evaluation import MODEL, Evaluation
from training.evaluation.report import tables
from training.evaluation.report.plots import confusion, forest, reliability, risk, robustness
from training.evaluation.report.plots.forest import Line
from training.evaluation.report.tables import NAMES, interval, number
from worker.record import DISPLAY_NAMES

CHANCE = 1 / len(DISPLAY_NAMES)


def tiles(found: Evaluation) -> Iterator[Tile]:
    """The figures that one came for."""
    for name in ("top1", "macro_recall", "nll", "ece", "coverage", "abstained"):
        one = found.summary.figures[name]
        if one.value is None:
            continue
        beside = interval(one)
        if name == "ece":
            beside = f"{number(found.summary.reliability.expected)} if perfectly calibrated"
        yield Tile(NAMES[name], number(one.value), "", beside)


def sections(found: Evaluation) -> Iterator[Section]:
    """What there is to show; nothing for what was not measured."""
    yield Section("scores", "Scores", (tables.scores(found.summary, "All photos"), *_told(found)))
    if found.rows:
        yield Section("compared", "Against knowing less, or more", tuple(_compared(found)))
    yield Section("continents", "Continent by continent", tuple(_continents(found)))
    yield Section("calibration", "Are the probabilities true?", tuple(_calibration(found)))
    yield Section("risk", "When it may abstain", tuple(_risk(found)))
    if found.summary.sources > 1:
        yield Section("sources", "Source by source", tuple(_sources(found)))
    if found.others:
        yield Section("others", "Elsewhere", (tables.domains(found),))
    if found.ablations:
        yield Section("ablations", "What each part is worth", (tables.ablations(found),))
    if found.robustness:
        yield Section("robustness", "In bad weather", tuple(_robustness(found)))


def _told(found: Evaluation) -> Iterator[Block]:
    yield from tables.counts(found)
    yield from found.notes


def _compared(found: Evaluation) -> Iterator[Block]:
    for score in ("macro_recall", "nll"):
        lines = [
            Line(tables.in_words(name), row[score], ours=name == MODEL) for name, row in found.rows.items()
        ]
        told = ", ".join(f"{line.name} {number(line.figure.value)}" for line in lines)
        better = "right" if score == "macro_recall" else "left"
        yield Picture(
            partial(forest.draw, lines, NAMES[score], None),
            f"{NAMES[score]} of every classifier: {told}.",
            f"{NAMES[score]}; to the {better} is better. Intervals are 95%, over groups.",
        )
    yield tables.compared(found)
    yield tables.differences(found)


def _continents(found: Evaluation) -> Iterator[Block]:
    lines = [
        Line(f"{DISPLAY_NAMES[each.slug]} ({each.n})", each.recall, ours=each.judged)
        for each in found.summary.continents
    ]
    yield Picture(
        partial(forest.draw, lines, "recall", CHANCE),
        "Recall by continent; the table below has the numbers.",
        "Recall, and how many photos it is over. Dashed: guessing. Grey: one source, not in macro scores.",
    )
    yield tables.continents(found.summary)
    yield Picture(
        partial(confusion.draw, found.summary.confusion),
        "Confusion of continents; the table below has the counts.",
        "Green is right. The darker, the larger the share of its row; numbers are photos.",
    )
    yield tables.confusion(found.summary)


def _calibration(found: Evaluation) -> Iterator[Block]:
    one = found.summary.reliability
    yield Picture(
        partial(reliability.draw, one),
        f"Reliability in {len(one.bins)} bins; ECE {number(one.ece)}, {number(one.expected)} expected.",
        "A point a bin, its number of photos beside it; on the line is right. Bars reach over 95% of what a"
        " perfectly calibrated model would show with as many photos.",
    )
    yield (
        f"The ECE is {number(one.ece)}. A perfectly calibrated model with these very probabilities would show"
        f" {number(one.expected)} on average, and at least as much as this in {one.p_value:.0%} of samples."
    )
    inside = found.exchangeable
    if inside is not None:
        yield (
            f"In domain the 90% sets hold {number(inside.mean)}: over {HALVINGS} random halvings,"
            f" fitted on {inside.fitted} photos and tested on {inside.tested}, the coverage lies in"
            f" its beta-binomial band ({number(inside.low)} to {number(inside.high)}) in"
            f" {inside.inside:.0%} of them; 95% is what the theory says."
        )
    if found.finishings:
        yield tables.finishings(found)


def _risk(found: Evaluation) -> Iterator[Block]:
    curve = found.summary.curve
    yield Picture(
        partial(risk.draw, curve),
        f"Risk against coverage: {number(curve.risks[0])} at 5%, {number(curve.risks[-1])} of all.",
        "The further down, the less is wrong. A curve that does not fall on the left: the model does not know"
        " when it knows.",
    )


def _sources(found: Evaluation) -> Iterator[Block]:
    lines = [
        Line(f"{name} ({each.n})", each.figures["top1"], ours=True)
        for name, each in sorted(found.summary.per_source.items(), key=lambda item: -item[1].n)
    ]
    yield Picture(
        partial(forest.draw, lines, "top-1", found.summary.figures["top1"].value),
        "Top-1 by source; the table below has the numbers.",
        "Top-1 on each source, and its photos. Dashed: all photos.",
    )
    yield tables.sources(found.summary)


def _robustness(found: Evaluation) -> Iterator[Block]:
    yield Picture(
        partial(robustness.draw, found.robustness),
        "Answers unchanged by corruption and severity; the table below has the numbers.",
        f"Of {found.robustness_photos}. To the right, the answer stays what it was.",
    )
    yield tables.robustness(found)
