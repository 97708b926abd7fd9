"""Figures as a table, for a page, a terminal and Markdown alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, a row of headings, and rows; the first cell of each row is its heading.

    `prose` columns hold words, others numbers; `wrong` rows (by index) are not what they claim to be.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: frozenset[int] = frozenset({0})
    wrong: frozenset[int] = frozenset()
