"""Evidence that heads are asked about when an engine is compared with its source: such as photos carry."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.engines.reference import Array
from worker.prepare.evidence.likelihood import stream
from worker.record import NO_EVIDENCE, SLUGS, STREAMS, Evidence, Stream

NOISE: Final = 24
"""Rows drawn at random beside the fixed ones."""


def evidence() -> Array:
    """Rows of `Evidence.vector()`, float32 (rows, 63), the same at every call.

    None, each stream alone, all that agree, two that contradict each other, all of hardly any quality and of
    the best, one of an even likelihood; then noise within the true ranges: each stream there or not, its
    quality anywhere in 0–1, its likelihood anything from even to all but sure, so that what speaks against a
    continent, log(7 · likelihood) down to −7.3, is as common as what speaks for one.
    """
    fixed = [
        NO_EVIDENCE,
        *(_of(**{name: _for("asia", 0.6)}) for name in STREAMS),
        _of(**dict.fromkeys(STREAMS, _for("europe", 0.7))),
        _of(gps=_for("europe", 0.97), timezone=_for("asia", 0.8)),
        _of(**{name: _for(slug, 0.8) for name, slug in zip(STREAMS, SLUGS, strict=True)}),
        _of(**dict.fromkeys(STREAMS, _for("africa", 1e-3))),
        _of(**dict.fromkeys(STREAMS, _for("oceania", 0.0))),
        _of(**dict.fromkeys(STREAMS, _for("south-america", 1.0))),
        _of(season=stream([1.0] * len(SLUGS), 0.4)),
        # All but one continent spoken against, and one continent alone.
        _of(clock=stream([float(slug != "antarctica") for slug in SLUGS], 0.8)),
    ]
    rng = np.random.default_rng(0)
    noise = [
        _of(
            **{
                name: stream(rng.dirichlet(np.full(len(SLUGS), 0.3)).tolist(), float(rng.random()))
                for name in STREAMS
                if rng.random() < 0.5  # noqa: PLR2004 - there or not
            }
        )
        for _ in range(NOISE)
    ]
    return np.stack([one.vector() for one in (*fixed, *noise)])


def _of(**streams: Stream) -> Evidence:
    return Evidence(streams=streams, gps_continent=None, disagreement=0.0)


def _for(slug: str, quality: float) -> Stream:
    """A stream that speaks for one continent, and against the others as far as any may."""
    return stream([float(one == slug) for one in SLUGS], quality)
