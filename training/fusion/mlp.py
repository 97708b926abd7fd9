"""Concatenation and a multi-layer perceptron: the baseline that knows nothing of likelihoods.

fused = image + any · (out · tanh(in · [image, evidence] + b) + d),   any = 1 where a stream is present
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import EvidenceBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """M perceptrons.

    `entry` (M, 70, units), `offset` (M, units), `exit` (M, units, labels), `bias` (M, labels).
    """

    entry: Matrix
    offset: Matrix
    exit: Matrix
    bias: Matrix

    @property
    def members(self) -> int:
        """How many there are, M."""
        return len(self.bias)

    def fuse(self, logits: Matrix, evidence: EvidenceBatch) -> Matrix:
        """Fused logits, temperature-scaled, shape (n, M, labels), of image logits of the same shape."""
        inner = np.tanh(
            np.einsum("ni,mih->nmh", inputs(logits.mean(axis=1), evidence), self.entry) + self.offset
        )
        some = evidence.present.max(axis=1)[:, None, None]
        return np.asarray(logits + some * (np.einsum("nmh,mhc->nmc", inner, self.exit) + self.bias))


def stack(members: list[Mlp]) -> Mlp:
    """One value of several members."""
    names = ("entry", "offset", "exit", "bias")
    return Mlp(**{name: np.concatenate([getattr(one, name) for one in members]) for name in names})


def inputs(image: Matrix, evidence: EvidenceBatch) -> Matrix:
    """Image logits, centred, beside the evidence vectors: shape (n, 70)."""
    centred = image - image.mean(axis=1, keepdims=True)
    return np.concatenate([centred, evidence.vectors().astype(np.float64)], axis=1)
