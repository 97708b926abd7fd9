"""What the model card prescribes for finishing an answer, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IntervalMethod = Literal["bootstrap", "seed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The finishing recipe of one model at one precision; every number comes from its card.

    `theta` is the smallest lower bound that is called a continent, None when no threshold met the card's
    target: then every photo that only its image speaks for is undetermined. `quantile` is the conformal
    quantile of the score 1 − p.
    """

    card_id: str
    labels: tuple[str, ...]
    temperature: float
    student_t: float
    interval: IntervalMethod
    quantile: float
    coverage: float
    coverage_validated: bool
    theta: float | None
    source_sha256: str
    target: str
    precision: str
