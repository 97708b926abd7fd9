"""Camera make and model → the markets where that version was sold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from worker.prepare.evidence import tables
from worker.prepare.evidence.likelihood import stream
from worker.record import SLUGS, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Cameras whose "make model" the pattern matches, and what that says; `quality` 0–1."""

    pattern: re.Pattern[str]
    weights: tables.Weights
    quality: float


@cache
def rules() -> tuple[Rule, ...]:
    """The reviewed rules, the first that matches counts."""
    raw = json.loads((tables.FOLDER / "cameras.json").read_bytes())
    return tuple(
        Rule(
            pattern=re.compile(rule["pattern"]),
            weights=tuple(rule["weights"].get(slug, _ELSEWHERE) for slug in SLUGS),
            quality=rule["quality"],
        )
        for rule in raw["rules"]
    )


_ELSEWHERE: Final = 0.1
"""The weight of a continent that a rule does not name, beside 1 for its main market."""


def read(make: str, model: str) -> Stream | None:
    """The stream of the camera, or None where no rule knows it.

    Nothing is remembered: the rules take 2 to 65 µs, and a memory would keep what senders wrote.

    >>> read("Canon", "Canon EOS Kiss X7").quality, read("Canon", "Canon EOS 5D") is None
    (0.5, True)
    """
    if not model:
        return None
    name = f"{make} {model}".lower()
    for rule in rules():
        if rule.pattern.search(name):
            return stream(rule.weights, rule.quality)
    return None
