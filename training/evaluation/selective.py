"""Selective prediction: what is risked when only the surest photos are called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from training.evaluation.answers import Answers
from training.evaluation.scores import risk, value
from training.uncertainty.selective import excess, risk_coverage

STEPS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Risk at each share of photos called, the surest first; `area` is the mean risk over all shares.

    `best` is the area of a model that ranks every right answer before every wrong one, `blind` that of one
    whose sureness says nothing: the risk of all.
    """

    shares: tuple[float, ...]
    risks: tuple[float, ...]
    area: float
    best: float
    blind: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "aurc": round(self.area, 4),
            "aurc_best": round(self.best, 4),
            "aurc_blind": round(self.blind, 4),
            "curve": [
                {"coverage": round(share, 4), "risk": round(at, 4)}
                for share, at in zip(self.shares, self.risks, strict=True)
            ],
        }


def measure(answers: Answers) -> Curve:
    """The risk–coverage curve (El-Yaniv and Wiener, 2010) at 5%, 10%, … 100% of the photos, and its area."""
    shares = [step / STEPS for step in range(1, STEPS + 1)]
    wrong = ~answers.right
    area = risk_coverage(answers.sureness, wrong).area
    return Curve(
        shares=tuple(shares),
        risks=tuple(value(partial(risk, share=share), answers) for share in shares),
        area=area,
        best=area - excess(answers.sureness, wrong),
        blind=float(wrong.mean()),
    )
