"""What each part of the evidence is worth: answers with parts taken away, on the same photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.evaluation.answers import Answers, Matrix, Truth
from training.evaluation.resampling import Figure, difference, figure
from training.evaluation.scores import SCORES, value
from worker.record import SLUGS, STREAMS

Fuse = Callable[[Matrix, Matrix], Matrix]
"""Image probabilities (n, 7) and evidence vectors (n, 63) → probabilities (n, 7)."""

BLOCK: Final = 2 + len(SLUGS)
CLOSED: Final = "gps"
"""The stream that headline scores never use: it is the answer, not evidence for it."""

REFERENCE: Final = "visual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One set of parts on `n` photos that have any evidence: scores, and the change against the pixels alone.

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


def pool(image: Matrix, vectors: Matrix) -> Matrix:
    """The log-linear pool: log p + Σ quality · log likelihood over the streams, normalised.

    Transparent, and nothing in it is fitted (Genest and Zidek, 1986). A stream that is absent adds nothing.
    """
    blocks = vectors.reshape(len(vectors), len(STREAMS), BLOCK)
    present, quality, likelihood = blocks[..., 0], blocks[..., 1], blocks[..., 2:]
    score = np.log(np.maximum(image, 1e-12)) + ((present * quality)[..., None] * likelihood).sum(axis=1)
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


def ablate(truth: Truth, image: Matrix, vectors: Matrix, fuse: Fuse = pool) -> dict[str, Answers]:
    """Answers by parts: the pixels, the metadata, both without GPS, with each stream alone, and with GPS.

    Args:
        truth: of n photos.
        image: probabilities from the pixels alone, (n, 7).
        vectors: `Evidence.vector()` of each photo, (n, 63).
        fuse: joins them.
    """
    even = np.full_like(image, 1 / len(SLUGS))
    open_ = only(vectors, [name for name in STREAMS if name != CLOSED])
    found = {
        REFERENCE: image,
        "metadata": fuse(even, open_),
        "visual + metadata": fuse(image, open_),
        **{
            f"visual + {name}": fuse(image, only(vectors, [name]))
            for name in STREAMS
            if name != CLOSED and _present(vectors, name).any()
        },
    }
    if _present(vectors, CLOSED).any():
        found["visual + metadata + gps"] = fuse(image, vectors)
    return {name: Answers.plain(truth, p) for name, p in found.items()}


def only(vectors: Matrix, streams: Sequence[str]) -> Matrix:
    """The vectors (n, 63) with nothing but these streams."""
    kept = np.repeat([name in streams for name in STREAMS], BLOCK)
    return np.where(kept, vectors, 0.0)


def table(answers: Mapping[str, Answers]) -> tuple[Ablation, ...]:
    """A row for each set of parts, against the pixels alone; intervals over groups."""
    visual = answers[REFERENCE]
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


def _present(vectors: Matrix, name: str) -> Matrix:
    return vectors[:, STREAMS.index(name) * BLOCK]
