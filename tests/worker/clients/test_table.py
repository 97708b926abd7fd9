"""A record becomes one line that a person can read at any width, and that cannot steer a terminal."""

from __future__ import annotations

import copy
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from worker.clients.table import Columns, bar, date_line, duration, header, printable, row, shorten

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
MOMENT = 1_795_251_600.12  # 2026-11-21T09:00:00Z


def example(name: str, index: int = 0) -> dict[str, Any]:
    """An example record out of its schema."""
    document: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())["examples"][index]
    return document


def line(document: dict[str, Any], width: int = 100) -> str:
    """The row as plain text."""
    return row(document, MOMENT, UTC, Columns.fit(width)).plain


def test_named_continent_at_100_columns() -> None:
    """Time, short id, continent, probability with its interval, bar and latency stand in one row."""
    assert line(example("prediction.v1")) == (
        "09:00:00  7f9c24e5  Europe                        0.81 (0.71–0.88)  █████████████▓▓▒··    31 ms"
    )


def test_undetermined_at_80_and_140_columns() -> None:
    """An abstention says why and what was most probable, shortly or in full, and that it is late."""
    late = example("prediction.v1", 1)
    assert line(late, 80) == (
        "09:00:00 phot…0/7 undetermined: unqualified EU 0.31 (0.15–0.52) █▓▒▒···  212 ms!"
    )
    roomy = line(late, 140)
    assert "photos/0/7" in roomy
    assert "undetermined: model unqualified" in roomy
    assert "Europe 0.31 (0.15–0.52)" in roomy
    assert roomy.endswith("212 ms late")


def test_rejections_and_alarms_have_their_rows() -> None:
    """A rejection shows its code and sentence, an alarm its signal, detector and means."""
    assert "rejected: truncated" in line(example("rejection.v1"))
    assert line(example("rejection.v1")).endswith("The file ends before the image does.")
    assert "entropy 0.62 → 0.93 (adwin 0.31 > 0.12)" in line(example("drift.v1"))


@pytest.mark.parametrize("width", [40, 80, 95, 96, 100, 127, 128, 200, 400])
@pytest.mark.parametrize("name", ["prediction.v1", "rejection.v1", "drift.v1"])
def test_rows_fit_and_columns_align(width: int, name: str) -> None:
    """No row is wider than its terminal, and header and rows have their columns in the same cells."""
    columns = Columns.fit(width)
    document = example(name)
    assert cell_len(line(document, width)) <= width
    assert date_line(MOMENT, UTC, columns).cell_len >= min(width, 40)
    if name == "prediction.v1" and width >= 80:
        head = header(columns).plain
        assert head.index("CONTINENT") == line(document, width).index("Europe")
        assert cell_len(head) <= width


def test_a_line_names_the_day_and_the_zone() -> None:
    """The line above a day's rows says which day, and in which time zone the times are."""
    assert "Saturday 21 November 2026, times in UTC" in date_line(MOMENT, UTC, Columns.fit(80)).plain


@given(photo_id=st.text(min_size=1, max_size=40), width=st.integers(80, 200))
def test_no_id_can_steer_the_terminal_or_shift_the_columns(photo_id: str, width: int) -> None:
    """Whatever an id holds (escape codes, wide characters), the row is printable and fits."""
    document = example("prediction.v1") | {"photo_id": photo_id}
    text = line(document, width)
    assert text.isprintable()
    assert cell_len(text) <= width
    columns = Columns.fit(width)
    assert cell_len(shorten(photo_id, columns.photo)) == columns.photo


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "\x07", "a\rb", "\u202egpj"])
def test_control_characters_are_replaced_everywhere(hostile: str) -> None:
    """Ids, reasons and details are shown with control and direction characters replaced."""
    assert printable(hostile).isprintable()
    rejection = example("rejection.v1") | {"photo_id": hostile, "detail": hostile, "reason": hostile}
    assert line(rejection).isprintable()
    prediction = example("prediction.v1", 1) | {"reason": hostile}
    assert line(prediction).isprintable()


@given(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(sorted),
    st.integers(1, 60),
)
def test_bar_is_always_as_wide_as_asked(bounds: list[float], width: int) -> None:
    """For every interval the bar has exactly its width, solid at least up to the rounded lower end."""
    low, p, high = bounds
    text = bar(p, low, high, width, "green").plain
    assert len(text) == width
    assert text.count("█") == round(low * width)


def test_durations_fit_seven_characters() -> None:
    """Latencies from a millisecond to a week fit their column."""
    for milliseconds in (0, 0.4, 31.2, 9_999.4, 9_999.9, 10_000, 599_949, 600_000, 35_999_999, 6e8):
        assert len(duration(milliseconds)) <= 7


def test_a_record_of_another_kind_is_an_error_not_a_row() -> None:
    """A record without the fields raises what the caller turns into a line that says so."""
    broken = copy.deepcopy(example("prediction.v1"))
    del broken["timing"]
    with pytest.raises(KeyError):
        line(broken)
    with pytest.raises(KeyError):
        line({})
