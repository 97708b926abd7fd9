"""What the model card prescribes for finishing an answer, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IntervalMethod = Literal["bootstrap", "seed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What answers of one kind (the image alone, or with evidence) are held to.

    `theta` is the smallest lower bound that is called a continent, None when no threshold met the card's
    target: then every photo of this kind is undetermined. `quantile` is the conformal quantile of the score
    1 − p; `validated`: its coverage was confirmed on photos of sources kept out.
    """

    theta: float | None
    quantile: float
    validated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The finishing recipe of one model at one precision; every number comes from its card.

    `fused` is None for a model that takes no evidence. `pixels_conflict` and `metadata_conflict` are the
    scores above which there is a conflict; None where no score has shown that it tells one: it is published
    and flags nothing.
    """

    card_id: str
    labels: tuple[str, ...]
    temperature: float
    student_t: float
    interval: IntervalMethod
    coverage: float
    image: Standard
    fused: Standard | None
    pixels_conflict: float | None
    metadata_conflict: float | None
    source_sha256: str
    target: str
    precision: str
