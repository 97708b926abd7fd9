"""A record as one line of a table that a person reads while photos stream by. Pure functions.

    09:00:00  7f9c24e5  Europe                        0.81 (0.70–0.89)  ███████▓▒··    31 ms
    09:00:01  photos/0  undetermined: unqualified  EU 0.31 (0.16–0.52)  ██▓▓▒▒·····   206 ms late

The bar: solid up to the interval's lower end, then shaded to the probability and lighter to the upper end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from worker.record import DISPLAY_NAMES, UNDETERMINED

CODES = {
    "africa": "AF",
    "antarctica": "AN",
    "asia": "AS",
    "europe": "EU",
    "north-america": "NA",
    "oceania": "OC",
    "south-america": "SA",
}
SHORT_REASONS = {
    "low_probability": "low chance",
    "ambiguous_set": "ambiguous",
    "wide_interval": "wide range",
    "conflict": "conflict",
    "drifted": "drifted",
    "model_unqualified": "unqualified",
}
REASONS = {
    "low_probability": "low probability",
    "ambiguous_set": "two or three fit",
    "wide_interval": "wide interval",
    "conflict": "conflict",
    "drifted": "drifted",
    "model_unqualified": "model unqualified",
}
ESTIMATE = "0.81 (0.70–0.89)"
ROOMY = 128
"""From this many columns on, names and reasons are written out."""
NARROWEST_BAR = 4
WIDEST_BAR = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The widths of the table's columns in terminal cells; a width of 0 leaves the column out."""

    width: int
    photo: int
    decision: int
    likeliest: int
    bar: int
    gap: int
    roomy: bool

    @classmethod
    def fit(cls, width: int) -> Columns:
        """Share out a terminal's width, at its best from 80 to 200 columns.

        >>> [Columns.fit(width).bar for width in (60, 80, 100, 200)]
        [0, 7, 18, 50]
        """
        roomy, gap = width >= ROOMY, 2 if width >= 96 else 1  # noqa: PLR2004 - where the second space fits
        photo, decision, likeliest = (13, 31, 13) if roomy else (8, 25, 2)
        late = 5 if gap > 1 else 1
        taken = 8 + gap + photo + gap + decision + gap + likeliest + 1 + len(ESTIMATE) + 2 * gap + 7 + late
        bar = min(width - taken, WIDEST_BAR)
        return cls(
            width=width,
            photo=photo,
            decision=decision,
            likeliest=likeliest,
            bar=bar if bar >= NARROWEST_BAR else 0,
            gap=gap,
            roomy=roomy,
        )


def header(columns: Columns) -> Text:
    """Return the line above the table."""
    estimate = columns.likeliest + 1 + len(ESTIMATE)
    cells = ["TIME".ljust(8), fit("PHOTO", columns.photo), fit("CONTINENT", columns.decision)]
    cells.append(("PROBABILITY (95% RANGE)" if columns.roomy else "P (95% RANGE)").rjust(estimate))
    if columns.bar:
        cells.append(fit("0" + "1".rjust(columns.bar - 1), columns.bar))
    cells.append("LATENCY")
    return Text((" " * columns.gap).join(cells), style="dim bold", no_wrap=True, overflow="crop")


def date_line(moment: float, zone: tzinfo | None, columns: Columns) -> Text:
    """Return the line that says which day, in which time zone, the rows below it are of."""
    when = datetime.fromtimestamp(moment, zone).astimezone(zone)
    title = f"── {when:%A} {when.day} {when:%B %Y}, times in {when:%Z} "
    return Text(
        title + "─" * max(0, columns.width - cell_len(title)), style="dim", no_wrap=True, overflow="crop"
    )


def row(document: Mapping[str, Any], moment: float, zone: tzinfo | None, columns: Columns) -> Text:
    """Return the line of one record: a prediction, a rejection or a drift alarm.

    Args:
        document: as on the topic.
        moment: the record's Kafka timestamp, seconds since the epoch.
        zone: the reader's time zone; None = the machine's.
        columns: the layout.

    Raises:
        KeyError, TypeError, ValueError: this is no record of Pangaea.
    """
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{datetime.fromtimestamp(moment, zone):%H:%M:%S}", style="dim")
    text.append(" " * columns.gap)
    if "decision" in document:
        _prediction(text, document, columns)
    elif "detector" in document:
        _drift(text, document, columns)
    else:
        _rejection(text, document, columns)
    text.truncate(columns.width)
    text.rstrip()
    return text


def unreadable(place: str, columns: Columns) -> Text:
    """Return the line of a record that is none of Pangaea's."""
    text = Text(f"{place} is not a record of Pangaea", style="red", no_wrap=True, overflow="crop")
    text.truncate(columns.width)
    return text


def _prediction(text: Text, document: Mapping[str, Any], columns: Columns) -> None:
    decision, reason = document["decision"], document["reason"]
    slug, best = max(document["continents"].items(), key=lambda item: item[1]["p"])
    named = decision != UNDETERMINED
    gap = " " * columns.gap
    text.append(shorten(document["photo_id"], columns.photo), style="dim")
    text.append(gap)
    if named:
        text.append(fit(DISPLAY_NAMES[decision], columns.decision), style="bold green")
        text.append(" " * columns.likeliest)
    else:
        reasons = REASONS if columns.roomy else SHORT_REASONS
        why = reasons.get(reason, printable(str(reason)))
        text.append("undetermined", style="bold yellow")
        text.append(fit(f": {why}", columns.decision - len("undetermined")), style="yellow")
        guess = DISPLAY_NAMES[slug] if columns.roomy else CODES[slug]
        text.append(gap)
        text.append(guess.rjust(columns.likeliest), style="dim")
    text.append(" " if not named else gap + " ")
    text.append(f"{best['p']:.2f}", style="bold" if named else "")
    text.append(f" ({best['low']:.2f}–{best['high']:.2f})")
    text.append(gap)
    if columns.bar:
        text.append_text(
            bar(best["p"], best["low"], best["high"], columns.bar, "green" if named else "yellow")
        )
        text.append(gap)
    late = document["timing"]["late"]
    text.append(duration(document["timing"]["total_ms"]).rjust(7), style="red" if late else "")
    if late:
        text.append(" late" if columns.gap > 1 else "!", style="bold red")


def _rejection(text: Text, document: Mapping[str, Any], columns: Columns) -> None:
    text.append(shorten(document["photo_id"], columns.photo), style="dim")
    text.append(" " * columns.gap)
    text.append("rejected", style="bold red")
    text.append(fit(f": {printable(document['reason'])}", columns.decision - len("rejected")), style="red")
    text.append(" " * columns.gap)
    text.append(printable(document["detail"]))


def _drift(text: Text, document: Mapping[str, Any], columns: Columns) -> None:
    text.append(fit("drift", columns.photo), style="magenta")
    text.append(" " * columns.gap)
    text.append(fit(DISPLAY_NAMES[document["continent"]], columns.decision), style="bold magenta")
    text.append(" " * columns.gap)
    text.append(
        f"{printable(document['signal'])} {document['before_mean']:.3g} → {document['after_mean']:.3g} "
        f"({printable(document['detector'])} {document['statistic']:.3g} > {document['threshold']:.3g})"
    )


def bar(p: float, low: float, high: float, width: int, colour: str) -> Text:
    """Return the interval on a line from 0 to 1, `width` cells long.

    >>> bar(0.5, 0.25, 0.75, 8, "green").plain
    '██▓▓▒▒··'
    """
    ends = [round(value * width) for value in (low, p, high, 1)]
    text, at = Text(), 0
    for end, mark, style in zip(ends, "█▓▒·", (colour, colour, colour, "dim"), strict=True):
        text.append(mark * (end - at), style=style)
        at = max(at, end)
    return text


def duration(milliseconds: float) -> str:
    """Return a latency in at most seven characters, in the unit that suits it.

    >>> [duration(ms) for ms in (31.4, 9_999, 12_345, 600_000, 1e9)]
    ['31 ms', '9999 ms', '12.3 s', '10 min', '278 h']
    """
    if round(milliseconds) < 10_000:  # noqa: PLR2004 - four digits
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 600:  # noqa: PLR2004 - ten minutes
        return f"{seconds:.1f} s"
    if seconds < 36_000:  # noqa: PLR2004 - ten hours
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def shorten(name: str, width: int) -> str:
    """Return an id in exactly `width` cells, the middle left out where it is too long.

    >>> shorten("photos/3/41", 8), shorten("a1", 4)
    ('phot…/41', 'a1  ')
    """
    name = printable(name)
    if cell_len(name) <= width:
        return fit(name, width)
    tail = (width - 1) * 3 // 7
    return fit(fit(name, width - 1 - tail) + "…" + name[-tail:], width)


def fit(text: str, width: int) -> str:
    """Return the text cropped or padded to `width` terminal cells."""
    return set_cell_size(text, width)


def printable(text: str) -> str:
    r"""Return the text with everything replaced that could steer a terminal.

    >>> printable("a\x1b[2Jb\u202e")
    'a�[2Jb�'
    """
    return "".join(character if character.isprintable() else "�" for character in text)
