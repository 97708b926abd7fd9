"""Gated late fusion: every stream adds its evidence as far as it is believed, and the gate says how far.

    fused = image + Σ_k log(1 + gate_k · (7·L_k − 1)),   gate_k = present_k · quality_k^a · σ(s_k(context_k))

A stream is right with the probability of its gate and otherwise says nothing: gate·L + (1 − gate)/7, which is
Shafer's (1976) discounting with a rate that a small network sets by context (attention with a sigmoid in
place of the softmax: streams need not compete). So a wrong stream takes no continent below log(1 − gate). A
gate lies in 0–1 and never rises as its stream's quality falls; without evidence the image's answer comes out
untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import EvidenceBatch
from training.fusion.context import context

LEAST_QUALITY: Final = 1e-3
"""Qualities below this count as this: a logarithm is taken of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The gates of M members, float64.

    `hidden` (M, FEATURES, units), `stream` (M, streams, units), `output` (M, units), `direct` (M, FEATURES),
    `bias` (M, streams), `power` (M, streams): s = output · tanh(hidden·context + stream) + direct·context +
    bias, and a = exp(power).
    """

    hidden: Matrix
    stream: Matrix
    output: Matrix
    direct: Matrix
    bias: Matrix
    power: Matrix

    @property
    def members(self) -> int:
        """How many there are, M."""
        return len(self.bias)

    def open(self, image: Matrix, evidence: EvidenceBatch) -> Matrix:
        """How far each gate opens, by member: shape (n, M, streams), in 0–1, 0 where absent.

        Args:
            image: the image's temperature-scaled mean logits, shape (n, labels).
            evidence: the streams.
        """
        features = context(image, evidence)
        inner = np.tanh(np.einsum("nkf,mfh->nmkh", features, self.hidden) + self.stream)
        score = (
            np.einsum("nmkh,mh->nmk", inner, self.output)
            + np.einsum("nkf,mf->nmk", features, self.direct)
            + self.bias
        )
        trust = np.exp(np.exp(self.power) * log_quality(evidence)[:, None])
        return np.asarray(evidence.present[:, None] * trust * sigmoid(score))

    def fuse(self, logits: Matrix, evidence: EvidenceBatch) -> Matrix:
        """Fused logits, temperature-scaled, shape (n, M, labels), of image logits of the same shape."""
        opened = self.open(logits.mean(axis=1), evidence)
        gain = np.exp(evidence.support) - 1
        return np.asarray(logits + np.log1p(opened[..., None] * gain[:, None]).sum(axis=2))


def log_quality(evidence: EvidenceBatch) -> Matrix:
    """The logarithm of each stream's quality, from below by that of LEAST_QUALITY: shape (n, streams)."""
    return np.asarray(np.log(np.maximum(evidence.quality, LEAST_QUALITY)))


def sigmoid(x: Matrix) -> Matrix:
    """1/(1 + e^−x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def stack(members: list[Gates]) -> Gates:
    """One value of several members."""
    names = ("hidden", "stream", "output", "direct", "bias", "power")
    return Gates(**{name: np.concatenate([getattr(one, name) for one in members]) for name in names})
