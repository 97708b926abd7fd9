"""Numbers as one reads them: three figures, the spread beside."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.figures import Machine

DEADLINE_MS = 200.0
"""What p99 is held to."""

_NOTHING = "–"


def number(value: float, unit: str = "") -> str:
    """Three significant figures, with the unit; a dash for what is not known.

    >>> number(1234.5), number(12.345, "ms"), number(0.98765), number(9.996), number(float("nan"), "ms")
    ('1,234', '12.3 ms', '0.988', '10.00', '–')
    """
    if not math.isfinite(value):
        return _NOTHING
    exponent = math.floor(math.log10(abs(value))) if value else 2
    decimals = min(3, max(0, 2 - exponent))
    return f"{value:,.{decimals}f}" + (f" {unit}" if unit else "")


def percent(share: float) -> str:
    """A share in whole percent.

    >>> percent(0.934)
    '93%'
    """
    return f"{share:.0%}" if math.isfinite(share) else _NOTHING


def spread(values: Sequence[float]) -> str:
    """Lowest to highest; nothing where there is only one.

    >>> spread((31.2, 29.04, 33.0)), spread((3.0,))
    ('29.0–33.0', '')
    """
    known = [value for value in values if math.isfinite(value)]
    return f"{number(min(known))}–{number(max(known))}" if len(known) > 1 else ""


def with_spread(value: float, values: Sequence[float]) -> str:
    """A median, and in brackets how far its repetitions lay apart.

    >>> with_spread(31.2, (31.2, 29.04, 33.5))
    '31.2 (29.0–33.5)'
    """
    beside = spread(values)
    return f"{number(value)} ({beside})" if beside else number(value)


def count(value: int, noun: str) -> str:
    """So many of them.

    >>> count(1, "worker"), count(2000, "photo")
    ('1 worker', '2,000 photos')
    """
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def machine(about: Machine) -> str:
    """The machine in one line."""
    return (
        f"{about.cores_said} of {about.processor}, {number(about.memory_gib)} GiB, {about.system},"
        f" Python {about.python}, engine in {about.precision}; commit {about.commit}, {about.at}"
    )
