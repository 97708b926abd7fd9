"""Logits of photos whose truth is known, judged as every model here is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from training.dataset import TrainingPhoto
from training.evaluation.answers import Answers, Matrix, Truth
from training.evaluation.resampling import figure
from training.evaluation.scores import SCORES, value
from training.finetune.epoch import Epoch
from training.finetune.selection import labels
from worker.finish.probability import softmax

SHOWN: Final = ("top1", "top3", "macro_recall", "macro_f1", "nll", "brier", "ece")
"""The scores that need probabilities only."""


def truth(photos: Sequence[TrainingPhoto]) -> Truth:
    """What is known of photos."""
    return Truth(
        label=labels(photos),
        group=np.array([photo.group for photo in photos], dtype=np.str_),
        source=np.array([photo.source for photo in photos], dtype=np.str_),
    )


def answers(logits: Matrix, photos: Sequence[TrainingPhoto], temperature: float = 1.0) -> Answers:
    """The probabilities of logits (n, 7) at a temperature."""
    return Answers.plain(truth(photos), softmax(logits.astype(np.float64) / temperature))


def epoch(
    number: int, said: Answers, *, loss: float | None, learning_rate: float | None, thawed: tuple[str, ...]
) -> Epoch:
    """An epoch's figures, from what it says of the validation photos."""
    found = {name: value(SCORES[name], said) for name in ("top1", "nll", "ece")}
    return Epoch(
        number=number,
        loss=loss,
        learning_rate=learning_rate,
        thawed=thawed,
        accuracy=found["top1"],
        nll=found["nll"],
        ece=found["ece"],
    )


def scores(said: Answers) -> dict[str, Any]:
    """N and every score with its 95% interval over groups, under the names of `pangaea models evaluate`."""
    counted = {"n": len(said), "groups": said.truth.groups, "sources": said.truth.sources}
    return counted | {name: figure(SCORES[name], said, said.truth.group).document() for name in SHOWN}
