"""The frozen values that travel along the path: Photo → Prepared → Answer → Prediction or Rejection.

Field names that leave the process are those of `schemas/`; this module holds what the stages hand to
each other. Times are seconds (float) inside, milliseconds where the name says so; on which clock is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""One image, uint8, shape (size, size, 3), RGB."""

Logits = npt.NDArray[np.float32]
"""One photo's head outputs, float32, shape (heads, labels)."""

RejectReason = Literal[
    "undecodable",
    "empty",
    "too_large",
    "too_many_pixels",
    "unsupported_format",
    "truncated",
    "bad_event",
    "payload_unavailable",
    "payload_forbidden",
    "deadline",
    "engine_error",
]
UndeterminedReason = Literal[
    "low_probability", "ambiguous_set", "wide_interval", "conflict", "drifted", "model_unqualified"
]

UNDETERMINED = "undetermined"
SLUGS = ("africa", "antarctica", "asia", "europe", "north-america", "oceania", "south-america")
DISPLAY_NAMES = {
    "africa": "Africa",
    "antarctica": "Antarctica",
    "asia": "Asia",
    "europe": "Europe",
    "north-america": "North America",
    "oceania": "Oceania",
    "south-america": "South America",
}

STREAMS = ("clock", "season", "camera", "caption", "language", "timezone", "gps")
"""The streams of evidence beside the pixels, in the order of the evidence vector."""

CLAIMS = ("clock", "caption", "timezone", "gps")
"""Streams that claim a place, so that two of them can contradict each other.

Camera, language and season follow people home: what contradicts them is a journey, not a fault.
"""

LEAST_LIKELIHOOD = 1e-4
"""No evidence rules a continent out: metadata can be wrong about anything."""

Gates = npt.NDArray[np.float32]
"""How far one photo's streams were let into the fused answer, float32, shape (len(STREAMS),), each 0–1."""

EvidenceVector = npt.NDArray[np.float32]
"""One photo's evidence for the fusion model, float32, shape (len(STREAMS) · 9,) = (63,)."""


class Moment(NamedTuple):
    """One instant on two clocks: `wall`, seconds since the epoch, may jump; `steady` only rises.

    How long something took or may take is told by the steady clock alone.
    """

    wall: float
    steady: float


class Partition(NamedTuple):
    """A topic and a partition number: where order holds."""

    topic: str
    number: int


class Source(NamedTuple):
    """Where a photo came from: the one identity by which exactly once is counted."""

    topic: str
    partition: int
    offset: int

    @property
    def home(self) -> Partition:
        """The partition this record lies in."""
        return Partition(self.topic, self.partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One input record, its envelope read, its image still encoded.

    `begun` is the moment of the record's Kafka timestamp (of its arrival where that is absurd), `deadline`
    that plus the budget; both on the steady clock, so that a wall clock that jumps changes neither.
    `caption`, `language` and `timezone` are what the envelope tells, None where it does not.
    """

    source: Source
    photo_id: str
    key: bytes | None
    payload: bytes
    dataref: str | None
    traceparent: str | None
    begun: float
    deadline: float
    caption: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    timezone: str | None = field(default=None, repr=False)

    def emptied(self) -> Photo:
        """The same photo without its image bytes and what was told of it: all that an outcome needs."""
        return replace(self, payload=b"", caption=None, language=None, timezone=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSignals:
    """What the pixels tell about the photo's quality: each in 0–1.

    `brightness` is the mean luminance; `sharpness` the variance of the Laplacian squashed to 0–1.
    """

    brightness: float
    sharpness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One piece of evidence about the continent, from one source of metadata.

    `likelihood` is P(evidence | continent) up to a factor, in the order of SLUGS, normalised to sum 1, each
    at least LEAST_LIKELIHOOD; `quality` in 0–1 is how far it is to be trusted, 0 being as good as absent.
    """

    likelihood: tuple[float, ...]
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a photo's metadata say about the continent: numbers only, nothing that tells where exactly.

    `streams` holds those present, by a name of STREAMS; `gps_continent` is a slug or None, the one thing
    that GPS ever becomes; `disagreement` in 0–1 is how far those of CLAIMS contradict each other, 0 where
    fewer than two of them are present.
    """

    streams: Mapping[str, Stream]
    gps_continent: str | None
    disagreement: float

    def vector(self) -> EvidenceVector:
        """The fusion model's input: per stream presence, quality and log(7 · likelihood), or zeros.

        An even likelihood is 0 too, so that a stream without information looks like one that is absent.

        >>> Evidence(streams={}, gps_continent=None, disagreement=0.0).vector().any()
        np.False_
        """
        block = 2 + len(SLUGS)
        values = [0.0] * (len(STREAMS) * block)
        for place, name in enumerate(STREAMS):
            stream = self.streams.get(name)
            if stream is not None:
                logs = [math.log(len(SLUGS) * p) for p in stream.likelihood]
                values[place * block : (place + 1) * block] = [1.0, stream.quality, *logs]
        return np.array(values, dtype=np.float32)


NO_EVIDENCE = Evidence(streams={}, gps_continent=None, disagreement=0.0)
"""A photo of which nothing but its pixels is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A decoded photo with what its metadata say, ready for the engine."""

    pixels: Pixels
    signals: ImageSignals
    evidence: Evidence = NO_EVIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine says of a photo: raw logits of the image alone and with its evidence, and the gates.

    Without evidence `stage2` is `stage1`.
    """

    stage1: Logits
    stage2: Logits
    gates: Gates


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds that a photo spent on each stretch of the path."""

    queue_ms: float
    decode_ms: float
    infer_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One continent's probability with its 95% interval over heads: 0 ≤ low ≤ p ≤ high ≤ 1."""

    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Whether something contradicts: `pixels` the metadata, or `metadata` each other. Scores in 0–1.

    `flag` is true where a score is above its threshold of the model card.
    """

    flag: bool
    pixels: float
    metadata: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the photo is called: a slug with no reason, or `undetermined` with one."""

    slug: str
    reason: UndeterminedReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A classified photo: everything of its output record that does not depend on when it is published.

    `continents` are of the fused answer, which is `stage1` where there is no evidence and `fused` is None;
    `weights` says by stream how far it was let in; `validated` whether the conformal set's coverage was
    confirmed for this kind of evidence.
    """

    photo: Photo
    decision: Decision
    continents: dict[str, Estimate]
    conformal_set: tuple[str, ...]
    validated: bool
    stage1: dict[str, float]
    fused: dict[str, float] | None
    evidence: Evidence
    weights: dict[str, float]
    conflict: Conflict
    entropy: float
    margin: float
    signals: ImageSignals
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A photo that cannot be processed: the reason code and one sentence, never its bytes."""

    photo: Photo
    reason: RejectReason
    detail: str


Outcome = Prediction | Rejection
