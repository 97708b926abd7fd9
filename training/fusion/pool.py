"""The log-linear pool, the transparent baseline: one weight a stream, whatever the photo.

    fused = image + Σ_k weight_k · quality_k · log(7·L_k)

(Genest and Zidek, 1986.) Weights above 1 would trust a stream more than its own likelihood does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import EvidenceBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The pools of M members: `weight` (M, streams), each in 0–1."""

    weight: Matrix

    @property
    def members(self) -> int:
        """How many there are, M."""
        return len(self.weight)

    def open(self, evidence: EvidenceBatch) -> Matrix:
        """What every stream is multiplied by, by member: shape (n, M, streams), in 0–1, 0 where absent."""
        return np.asarray((evidence.present * evidence.quality)[:, None] * self.weight)

    def fuse(self, logits: Matrix, evidence: EvidenceBatch) -> Matrix:
        """Fused logits, temperature-scaled, shape (n, M, labels), of image logits of the same shape."""
        return np.asarray(logits + np.einsum("nmk,nkc->nmc", self.open(evidence), evidence.support))
