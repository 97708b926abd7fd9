"""When to stop, and which epoch to keep: accuracy and calibration decide together. Pure state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LEAST: Final = 1e-3
"""Nats by which the loss on validation photos must fall to count as better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of validation photos: the share right, and the mean negative log-likelihood in nats.

    The latter stands for calibration: it is lowest when probabilities are true, and few photos do not bias it
    as they do the ECE.
    """

    accuracy: float
    nll: float

    def beats(self, other: Score) -> bool:
        """Better in one and not worse in the other: accuracy that costs calibration is no gain.

        >>> Score(accuracy=0.5, nll=1.3).beats(Score(accuracy=0.4, nll=1.4))
        True
        >>> Score(accuracy=0.5, nll=1.5).beats(Score(accuracy=0.4, nll=1.4))
        False
        """
        no_worse = self.accuracy >= other.accuracy and self.nll <= other.nll
        return no_worse and (self.accuracy > other.accuracy or self.nll <= other.nll - LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What was kept so far: `kept` is the epoch whose score is `best`, `epoch` the last one seen.

    Nothing is kept that something seen beats. Epochs up to `not_before` cost no patience: as long as stages
    thaw, the best may be to come.
    """

    patience: int
    not_before: int
    kept: int
    best: Score
    epoch: int

    @classmethod
    def begin(cls, score: Score, *, patience: int, not_before: int) -> Stopping:
        """After epoch 0, the frozen backbone."""
        return cls(patience=patience, not_before=not_before, kept=0, best=score, epoch=0)

    def after(self, score: Score) -> Stopping:
        """After one more epoch."""
        now = self.epoch + 1
        if score.beats(self.best):
            return replace(self, epoch=now, kept=now, best=score)
        return replace(self, epoch=now)

    @property
    def stop(self) -> bool:
        """Whether patience is at its end."""
        return self.epoch - max(self.kept, self.not_before) >= self.patience
