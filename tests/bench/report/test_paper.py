"""The tables of a document come from the figures' files, and nothing else of it is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.report import paper
from bench.report.saved import Figures
from tests.bench import invented
from worker.errors import Refuse

PAGE = f"# Title\nBefore.\n\n{paper.BEGIN}\nold | table\n{paper.END}\n\nAfter.\n"


def test_what_stands_between_the_comments_is_replaced(tmp_path: Path) -> None:
    """The old tables go, the new ones come with machine and commit; a second time changes nothing."""
    path = tmp_path / "performance.md"
    path.write_text(PAGE)
    paper.write([invented.sweep(), invented.peers()], path)
    once = path.read_text()
    assert once.startswith(f"# Title\nBefore.\n\n{paper.BEGIN}\n")
    assert once.endswith(f"{paper.END}\n\nAfter.\n")
    assert "old | table" not in once
    assert "commit 0123abc-dirty" in once
    paper.write([invented.sweep(), invented.peers()], path)
    assert path.read_text() == once


def test_the_page_of_performance_has_a_place_for_figures(tmp_path: Path) -> None:
    """docs/performance.md takes what is measured: its prose stays, the tables come under their heading."""
    page = Path(__file__).resolve().parents[3] / "docs" / "performance.md"
    prose, begin, _ = page.read_text().partition(paper.BEGIN)
    copy = tmp_path / page.name
    copy.write_text(page.read_text())
    paper.write([invented.sweep()], copy)
    assert begin
    assert prose.rstrip().endswith("## Figures")
    assert copy.read_text().startswith(f"{prose}{begin}\nMeasured on 2 cores of Invented Processor")


def test_a_row_has_its_figures() -> None:
    """Each peer is a row with its promises and its medians, the spread beside."""
    text = paper.markdown([invented.peers()])
    row = next(line for line in text.splitlines() if line.startswith("| pangaea 1.2.3 |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "pangaea 1.2.3",
        "exactly once, in order, bounded; what fails is rejected with a reason",
        "93.1 (89.4–97.8)",
        "71.0 (63.9–92.3)",
        "812 (788–828)",
        "497 or more",
    ]


def test_every_table_is_a_table() -> None:
    """All rows of one have as many cells as its headings: no text of ours or of a machine breaks one."""
    figures: list[Figures] = [
        invented.sweep(),
        invented.latency(valid=False),
        invented.limit("2mp"),
        invented.peers(),
    ]
    text = paper.markdown(figures)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) > 8
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_a_run_that_is_not_valid_is_said_to_be() -> None:
    """It does not pass for a figure."""
    assert "**Not valid**" in paper.markdown([invented.latency(valid=False)])
    assert "**Not valid**" not in paper.markdown([invented.latency()])


@pytest.mark.parametrize("text", ["# No place\n", f"{paper.BEGIN}\n", f"{paper.END}\n{paper.BEGIN}\n"])
def test_a_page_without_a_place_is_refused(text: str, tmp_path: Path) -> None:
    """It is left as it was."""
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(Refuse, match="has no place for figures"):
        paper.write([invented.limit()], path)
    assert path.read_text() == text
