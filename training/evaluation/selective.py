"""Selective prediction: what is risked when only the surest photos are called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from training.evaluation.answers import Answers
from training.evaluation.scores import risk, value

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
    return Curve(
        shares=tuple(shares),
        risks=tuple(value(partial(risk, share=share), answers) for share in shares),
        area=area(answers),
        best=_best(float(1 - answers.right.mean()), len(answers)),
        blind=float(1 - answers.right.mean()),
    )


def area(answers: Answers) -> float:
    """The mean risk of the surest 1, 2, … n photos; ties shared out (Geifman and El-Yaniv, 2017)."""
    order = np.argsort(-answers.sureness, kind="stable")
    _, tied, counts = np.unique(-answers.sureness[order], return_inverse=True, return_counts=True)
    wrong = ~answers.right[order]
    # Within a tie every order is as good: each photo counts as the tie's mean.
    share = np.bincount(tied, wrong) / counts
    return float((np.cumsum(share[tied]) / np.arange(1, len(answers) + 1)).mean())


def _best(error: float, n: int) -> float:
    wrong = np.arange(n) >= n - round(error * n)
    return float((np.cumsum(wrong) / np.arange(1, n + 1)).mean())
