"""What is read of an evaluation: tables that hold its numbers, and a page that asks nobody for anything."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from tests.training.evaluation.invented import drawn
from training.evaluation import ablations, robustness, summary
from training.evaluation.answers import Answers
from training.evaluation.coverage import halved
from training.evaluation.evaluation import MODEL, Evaluation, parts
from training.evaluation.nested import Finishing
from training.evaluation.report import tables
from training.evaluation.report.page import page
from training.evaluation.report.terminal import render
from training.evaluation.resampling import Figure
from training.evaluation.summary import summarise
from training.fusion.batch import EvidenceBatch
from worker.record import Evidence, Stream


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """An evaluation that has every part."""
    answers = drawn(90, seed=5, spread=1.5)
    even = Answers.plain(answers.truth, np.full((90, 7), 1 / 7))
    stream = Stream(likelihood=(0.4, *[0.1] * 6), quality=0.7)
    said = Evidence(streams={"language": stream}, gps_continent=None, disagreement=0.0)
    turned = Answers.plain(answers.truth, np.roll(answers.p, 2, axis=1))
    return Evaluation(
        how="invented <for> a test",
        model={"card": "invented"},
        summary=summarise(answers),
        others={"in domain": summarise(answers)},
        rows={MODEL: summary.row(answers), "even_chance": summary.row(even)},
        differences=summary.differences(answers, {"even_chance": even}),
        exchangeable=halved(answers.p, answers.truth.label),
        finishings={"s0": Finishing(temperature=1.25, quantile=0.9, theta=None)},
        robustness=robustness.table(
            {robustness.CLEAN: answers, ("fog", 1): answers, ("fog", 2): answers, ("fog", 3): turned}
        ),
        robustness_photos="90 of the photos",
        ablations=parts(answers.truth, ablations.log_p(answers.p), EvidenceBatch.of([said] * 90)),
        counts={"rejected": {"undecodable": 3}, "undetermined": {}},
        notes=("A note.",),
    )


@pytest.fixture(scope="module")
def text(found: Evaluation) -> str:
    """Its page."""
    return page(found)


class Reader(HTMLParser):
    """Collects what a page holds."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, what it refers to, and its name."""
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "data"} and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)


def test_the_page_shows_everything_and_asks_nobody(text: str) -> None:
    """Eight pictures at two widths, every section, and nothing from elsewhere: no script, no link out."""
    reader = Reader()
    reader.feed(text)
    assert reader.tags.count("figure") == 8
    assert reader.tags.count("svg") == 16
    assert {
        "scores",
        "compared",
        "continents",
        "calibration",
        "risk",
        "sources",
        "others",
        "ablations",
        "robustness",
        "words",
    } <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(link.startswith("#") for link in reader.links)
    assert "script" not in reader.tags
    assert not re.search(r"url\((?!#)|@import", text)
    assert "invented &lt;for&gt; a test" in text


def test_the_page_has_the_numbers(found: Evaluation, text: str) -> None:
    """What the summary has found stands on the page, as it is rounded everywhere."""
    for name in ("top1", "macro_recall", "nll", "coverage"):
        assert tables.number(found.summary.figures[name].value) in text
    assert "3 undecodable" in text
    assert "A note." in text
    assert "even chance" in text


def test_a_page_of_the_least_that_there_can_be() -> None:
    """One photo, no baselines, no intervals: still a page."""
    alone = Evaluation(how="one", model={}, summary=summarise(drawn(1)))
    text = page(alone)
    assert "1 photo of 1 group and 1 source" in text
    assert 'id="sources"' not in text
    assert 'id="robustness"' not in text


def test_the_terminal_has_the_numbers_too(found: Evaluation) -> None:
    """The same tables, for those who only run the command."""
    out = StringIO()
    Console(file=out, width=200).print(render(found))
    said = out.getvalue()
    assert tables.number(found.summary.figures["top1"].value) in said
    assert "even chance" in said
    assert "90 of the photos, corrupted" in said
    assert "Measured: invented <for> a test." in said


def test_a_verdict_knows_which_way_is_better(found: Evaluation) -> None:
    """A lower loss is better, a lower share right is worse, and an interval around zero says nothing."""
    below, around = Figure(value=-0.2, low=-0.3, high=-0.1), Figure(value=-0.2, low=-0.5, high=0.1)
    for score, told in (("nll", "better"), ("brier", "better"), ("top1", "worse"), ("macro_recall", "worse")):
        row = dict.fromkeys(("top1", "macro_recall", "nll", "brier"), around) | {score: below}
        (cells,) = tables.differences(replace(found, differences={"other": row})).rows
        assert [cell.rpartition("; ")[2] for cell in cells[1:]].count(told) == 1
        assert [cell.rpartition("; ")[2] for cell in cells[1:]].count("n cannot tell") == 3


def test_tables_are_rectangular(found: Evaluation) -> None:
    """Every row has a cell for every column."""
    for table in (
        tables.scores(found.summary, "x"),
        tables.compared(found),
        tables.differences(found),
        tables.continents(found.summary),
        tables.sources(found.summary),
        tables.domains(found),
        tables.finishings(found),
        tables.robustness(found),
        tables.robustness_in_short(found),
        tables.ablations(found),
        tables.confusion(found.summary),
    ):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}, table.title
