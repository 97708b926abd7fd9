"""How the model bears corrupted photos: each against the same photos clean."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from PIL import Image

from training.evaluation.answers import Answers, Matrix
from training.evaluation.corruptions import CORRUPTIONS, SEVERITIES, corrupted
from training.evaluation.resampling import Figure, difference, figure
from training.evaluation.scores import SCORES, mean
from training.evaluation.served import Submitted
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.record import Pixels

Case = tuple[str, int]
"""A corruption and its severity; ("clean", 0) is none."""

CLEAN: Final[Case] = ("clean", 0)
CASES: Final[tuple[Case, ...]] = (CLEAN, *((name, level) for name in CORRUPTIONS for level in SEVERITIES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One corruption at one severity.

    `agreement` is the share of photos whose most probable continent is the clean photo's; `top1_change` and
    `nll_change` are the corrupted less the clean, paired. Intervals over groups.
    """

    corruption: str
    severity: int
    top1: Figure
    agreement: Figure
    top1_change: Figure
    nll_change: Figure

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "corruption": self.corruption,
            "severity": self.severity,
            "top1": self.top1.document(),
            "agreement": self.agreement.document(),
            "top1_change": self.top1_change.document(),
            "nll_change": self.nll_change.document(),
        }


def table(answers: Mapping[Case, Answers]) -> tuple[Row, ...]:
    """A row for each corruption and severity, from answers for the same photos; they hold CLEAN."""
    clean = answers[CLEAN]
    group = clean.truth.group
    return tuple(
        Row(
            corruption=name,
            severity=severity,
            top1=figure(SCORES["top1"], each, group),
            agreement=figure(partial(_agreement, clean), each, group),
            top1_change=difference(SCORES["top1"], each, clean, group),
            nll_change=difference(SCORES["nll"], each, clean, group),
        )
        for (name, severity), each in answers.items()
        if (name, severity) != CLEAN
    )


def canvas(photo: Submitted, limits: DecodeLimits, target: Target) -> Pixels:
    """The photo as pixels of the size that the engine's input is cut from, upright.

    Raises:
        Reject: the worker would not take it either.
    """
    return decode(photo.data, limits, Target(size=target.resized, crop=1.0)).pixels


def submission(pixels: Pixels, case: Case) -> Submitted:
    """The photo, corrupted, as a file that holds nothing but its pixels: no EXIF, no caption."""
    if case != CLEAN:
        pixels = corrupted(case[0], pixels, case[1])
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return Submitted(buffer.getvalue())


def _agreement(clean: Answers, answers: Answers, weights: Matrix) -> Matrix:
    same = answers.p.argmax(axis=1) == clean.p.argmax(axis=1)
    return mean(same.astype(np.float64), weights)
