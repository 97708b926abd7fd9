"""Evidence of many photos at once, as the fusion model sees it, and photos joined with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from training.embeddings import Labels, Matrix, Names
from worker.record import SLUGS, STREAMS, Evidence

LABELS: Final = len(SLUGS)
KINDS: Final = len(STREAMS)
BLOCK: Final = 2 + LABELS
"""Values that a stream takes in the evidence vector: presence, quality, a log likelihood for each label."""

Rows = npt.NDArray[np.bool_] | npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBatch:
    """Streams of n photos; rows of absent streams are 0 throughout.

    `present` (n, streams) is 0 or 1; `quality` (n, streams) in 0–1; `support` (n, streams, labels) is
    log(7 · likelihood): positive where the stream speaks for a continent, 0 where it says nothing.
    """

    present: Matrix
    quality: Matrix
    support: Matrix

    @classmethod
    def of(cls, evidence: Sequence[Evidence]) -> EvidenceBatch:
        """Stack the evidence of photos."""
        return cls.from_vectors(np.array([one.vector() for one in evidence]).reshape(-1, KINDS * BLOCK))

    @classmethod
    def from_vectors(cls, vectors: npt.NDArray[np.floating]) -> EvidenceBatch:
        """Read evidence vectors, shape (n, 63).

        >>> batch = EvidenceBatch.from_vectors(np.zeros((2, 63)))
        >>> batch.support.shape, len(batch)
        ((2, 7, 7), 2)
        """
        blocks = np.asarray(vectors, dtype=np.float64).reshape(-1, KINDS, BLOCK)
        present = (blocks[:, :, 0] > 0).astype(np.float64)
        return cls(
            present=present, quality=blocks[:, :, 1] * present, support=blocks[:, :, 2:] * present[..., None]
        )

    def vectors(self) -> npt.NDArray[np.float32]:
        """The evidence vectors, float32 (n, 63)."""
        blocks = np.concatenate([self.present[..., None], self.quality[..., None], self.support], axis=2)
        return blocks.reshape(len(self), KINDS * BLOCK).astype(np.float32)

    def take(self, rows: Rows) -> EvidenceBatch:
        """The photos of these rows."""
        return EvidenceBatch(
            present=self.present[rows], quality=self.quality[rows], support=self.support[rows]
        )

    def without(self, *names: str) -> EvidenceBatch:
        """The same photos as if these streams were absent: what a policy that switches GPS off leaves."""
        keep = np.array([name not in names for name in STREAMS], dtype=np.float64)
        return EvidenceBatch(
            present=self.present * keep,
            quality=self.quality * keep,
            support=self.support * keep[:, None],
        )

    def __len__(self) -> int:
        return len(self.present)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Photos joined with evidence, drawn or real.

    `logits` (n, heads, labels) are the image's, divided by their temperature, of heads that have not seen
    the photo's source; `photo` numbers the photo, for one may be joined with evidence several times;
    `swapped` marks those whose evidence was drawn for a place on another continent, `mixed` those of which
    two streams describe places on different continents.
    """

    logits: Matrix
    evidence: EvidenceBatch
    label: Labels
    photo: Labels
    group: Names
    source: Names
    swapped: Flags
    mixed: Flags

    @property
    def image(self) -> Matrix:
        """The image's own logits, mean over heads: shape (n, labels)."""
        return np.asarray(self.logits.mean(axis=1))

    def take(self, rows: Rows) -> Samples:
        """The samples of these rows."""
        return Samples(
            logits=self.logits[rows],
            evidence=self.evidence.take(rows),
            label=self.label[rows],
            photo=self.photo[rows],
            group=self.group[rows],
            source=self.source[rows],
            swapped=self.swapped[rows],
            mixed=self.mixed[rows],
        )

    def seeing(self, evidence: EvidenceBatch) -> Samples:
        """The same samples with other evidence."""
        return replace(self, evidence=evidence)

    def weight(self) -> Matrix:
        """Weights, mean 1, by which every continent counts the same."""
        count = np.bincount(self.label, minlength=LABELS)
        weight = 1 / count[self.label]
        return np.asarray(weight / weight.mean())

    def __len__(self) -> int:
        return len(self.label)
