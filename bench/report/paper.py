"""Figures as Markdown, put into a page between two comments: no number there is typed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.report import sections, words
from bench.report.saved import Figures
from bench.report.sections import Found
from local.page.blocks import Heading, Picture
from local.page.table import Table
from worker.errors import Refuse

BEGIN = "<!-- figures: written by pangaea bench report, not by hand -->"
END = "<!-- end of figures -->"


def write(figures: Sequence[Figures], path: Path) -> None:
    """Replace what stands between the two comments of the page.

    Raises:
        Refuse: There is no such page, or it lacks the comments.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refuse(f"{path} cannot be read ({error.strerror}): name the page to be filled in.") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Refuse(f"{path} has no place for figures: give it a line {BEGIN} and below it a line {END}.")
    path.write_text(f"{before}{BEGIN}\n{markdown(figures)}{END}{after}", encoding="utf-8")


def markdown(figures: Sequence[Figures]) -> str:
    """Machines, then every table under its section's heading; pictures stay on the page of plots."""
    found = Found.of(figures)
    lines = [f"Measured on {words.machine(each)}.\n" for each in found.machines]
    lines += [
        f"**Not valid**: the run at {words.number(run.rate)} photos a second; {_cell(run.why)}.\n"
        for run in found.invalid
    ]
    for section in sections.sections(found):
        lines.append(f"### {section.title}\n")
        for block in section.blocks:
            match block:
                case Table():
                    lines.extend(_table(block))
                case str():
                    lines.append(f"{block}\n")
                case Heading() | Picture():
                    pass
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield f"{table.title}:\n"
    yield _row(table.columns)
    yield _row(["---" if index in table.prose else "---:" for index in range(len(table.columns))])
    yield from (_row(row) for row in table.rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
