"""What each part of the evidence is worth: answers with parts taken away, on the same photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.evaluation.answers import Answers, Matrix, Truth
from training.evaluation.resampling import Figure, difference, figure
from training.evaluation.scores import SCORES, value
from training.fusion.batch import EvidenceBatch
from training.fusion.pool import Pool
from worker.finish.probability import softmax
from worker.record import STREAMS

Fuse = Callable[[Matrix, EvidenceBatch], Matrix]
"""Image logits (n, heads, 7) and evidence → fused logits of the same shape: `fuse` of any fusion model."""

CLOSED: Final = "gps"
"""The stream that headline scores never use: it is the answer, not evidence for it."""

VISUAL: Final = "visual"
OPEN: Final = "visual + metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """How image and evidence are joined, and its name in words."""

    name: str
    fuse: Fuse


POOL: Final = Joining(
    name="the log-linear pool, nothing of it fitted", fuse=Pool(weight=np.ones((1, len(STREAMS)))).fuse
)
"""Every stream is trusted by its own quality: for a model whose fusion takes no evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One set of parts on `n` photos: scores, and the change against the pixels alone.

    `relative` is the change of top-1 as a share of what the pixels alone reach, None where that is nothing.
    """

    parts: str
    n: int
    top1: Figure
    nll: Figure
    top1_change: Figure
    nll_change: Figure
    relative: float | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "parts": self.parts,
            "n": self.n,
            "top1": self.top1.document(),
            "nll": self.nll.document(),
            "top1_change": self.top1_change.document(),
            "nll_change": self.nll_change.document(),
            "top1_change_relative": None if self.relative is None else round(self.relative, 4),
        }


def ablate(
    truth: Truth,
    logits: Matrix,
    evidence: EvidenceBatch,
    *,
    fuse: Fuse = POOL.fuse,
    located: EvidenceBatch | None = None,
) -> dict[str, Answers]:
    """Answers by parts: the pixels, the metadata, both without GPS, with each stream alone, and with GPS.

    Args:
        truth: of n photos.
        logits: of the pixels alone, temperature-scaled, (n, heads, 7).
        evidence: of the same photos.
        fuse: joins them.
        located: their evidence where GPS was looked at, its clock included; default: `evidence`.
    """
    located = evidence if located is None else located
    blind, open_ = np.zeros_like(logits), evidence.without(CLOSED)
    streams = {name: open_.without(*(each for each in STREAMS if each != name)) for name in STREAMS}
    found = {
        VISUAL: logits,
        "metadata": fuse(blind, open_),
        OPEN: fuse(logits, open_),
        **{f"visual + {name}": fuse(logits, alone) for name, alone in streams.items() if alone.present.any()},
    }
    if located.present[:, STREAMS.index(CLOSED)].any():
        found["visual + metadata + gps"] = fuse(logits, located)
    return {name: Answers.plain(truth, softmax(each.mean(axis=1))) for name, each in found.items()}


def table(answers: Mapping[str, Answers]) -> tuple[Ablation, ...]:
    """A row for each set of parts, against the pixels alone; intervals over groups."""
    visual = answers[VISUAL]
    group = visual.truth.group
    base = value(SCORES["top1"], visual)
    found = []
    for name, each in answers.items():
        change = difference(SCORES["top1"], each, visual, group)
        found.append(
            Ablation(
                parts=name,
                n=len(each),
                top1=figure(SCORES["top1"], each, group),
                nll=figure(SCORES["nll"], each, group),
                top1_change=change,
                nll_change=difference(SCORES["nll"], each, visual, group),
                relative=change.value / base if change.value is not None and base else None,
            )
        )
    return tuple(found)


def log_p(p: Matrix) -> Matrix:
    """Probabilities (n, 7) as logits of one head, (n, 1, 7).

    >>> softmax(log_p(np.array([[0.25, 0.75]]))).round(6).tolist()
    [[[0.25, 0.75]]]
    """
    return np.asarray(np.log(np.maximum(p, 1e-12))[:, None, :])
