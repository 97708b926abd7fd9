"""The model card: the recipe that the worker follows, checked as it is read.

The card owns preprocessing, labels and calibration; nothing of it is repeated in the code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import Refuse
from worker.finish.probability import Vector
from worker.finish.recipe import Recipe, Standard
from worker.prepare.decode import Target
from worker.record import SLUGS, STREAMS

Unit = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
CARD_BYTES = 4 * 1024 * 1024


class _Part(BaseModel):
    """A part of the card; what only people read (scores, training) is not checked here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Preprocessing(_Part):
    """From a decoded image to the engine's input."""

    size: int = Field(ge=1, le=1024)
    crop: float = Field(gt=0, le=1)
    interpolation: Literal["bicubic"]
    color: Literal["RGB"]
    layout: Literal["NHWC"]
    dtype: Literal["uint8"]


class Interval(_Part):
    """The 95% interval over heads."""

    method: Literal["bootstrap", "seed"]
    coverage: Unit
    student_t: float = Field(gt=0)


class Conformal(_Part):
    """The conformal set's calibration."""

    method: Literal["lac"]
    coverage: Unit
    quantile: Unit
    validated: bool


class Threshold(_Part):
    """The decision threshold on the lower bound; None when none met the target."""

    theta: Unit | None


class Calibration(_Part):
    """The calibration block of one precision, for answers of the image alone."""

    temperature: float = Field(gt=0)
    conformal: Conformal
    threshold: Threshold


class Alarm(_Part):
    """A score above which something counts as a conflict; None: it is published, and nothing is flagged."""

    threshold: Unit | None


class Conflicts(_Part):
    """Both kinds of conflict."""

    pixels_against_metadata: Alarm
    metadata_against_metadata: Alarm


class Fusion(_Part):
    """The fusion of image and evidence, and what fused answers are held to at every precision."""

    streams: tuple[str, ...]
    conformal: Conformal
    threshold: Threshold
    conflict: Conflicts


class ModelSource(_Part):
    """One ONNX file that the engines are made from."""

    file: str
    sha256: Sha256


class GoldenPhoto(_Part):
    """A known photo and what the engine should say of it."""

    file: str
    sha256: Sha256
    probabilities: dict[str, Unit]


class Golden(_Part):
    """Known photos that are put through the engine at the start."""

    tolerance: float = Field(gt=0, lt=1)
    photos: tuple[GoldenPhoto, ...] = Field(min_length=1)


class Card(_Part):
    """A model card, as far as the worker needs it."""

    schema_: Literal["pangaea.card.v1"] = Field(alias="schema")
    id: str = Field(min_length=1, max_length=200)
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    heads: int = Field(ge=2)
    interval: Interval
    precisions: dict[str, Calibration]
    sources: dict[str, ModelSource]
    source_sha256: Sha256
    golden: Golden
    fusion: Fusion | None = None

    @property
    def target(self) -> Target:
        """The engine's input."""
        return Target(self.preprocessing.size, self.preprocessing.crop)

    def recipe(self, *, precision: str, target: str) -> Recipe:
        """Return the finishing recipe for an engine of this precision, built for this target.

        Raises:
            Refuse: the card has no calibration for the precision.
        """
        block = self.precisions.get(precision)
        if block is None:
            raise Refuse(
                f"the card {self.id} has no calibration for {precision}, only for"
                f" {', '.join(sorted(self.precisions))}: build the engines with --precision one of these."
            )
        conflict = self.fusion.conflict if self.fusion else None
        return Recipe(
            card_id=self.id,
            labels=self.labels,
            temperature=block.temperature,
            student_t=self.interval.student_t,
            interval=self.interval.method,
            coverage=block.conformal.coverage,
            image=_standard(block),
            fused=_standard(self.fusion) if self.fusion else None,
            pixels_conflict=conflict.pixels_against_metadata.threshold if conflict else None,
            metadata_conflict=conflict.metadata_against_metadata.threshold if conflict else None,
            source_sha256=self.source_sha256,
            target=target,
            precision=precision,
        )

    def golden_gap(self, photo: GoldenPhoto, p: Vector) -> float:
        """Return the largest gap between the engine's probabilities, shape (labels,), and the card's."""
        return max(abs(float(p[i]) - photo.probabilities[label]) for i, label in enumerate(self.labels))


def _standard(block: Calibration | Fusion) -> Standard:
    return Standard(
        theta=block.threshold.theta, quantile=block.conformal.quantile, validated=block.conformal.validated
    )


def load(path: Path) -> Card:
    """Read and check a card.

    Raises:
        Refuse: it is missing, is no card, speaks of other labels than the feeds have, or promises one
            coverage for the image alone and another with evidence.
    """
    try:
        text = path.read_bytes()[: CARD_BYTES + 1]
    except OSError as exc:
        raise Refuse(
            f"the model card cannot be read ({exc.strerror}): set PANGAEA_CARD to its file."
        ) from exc
    try:
        card = Card.model_validate_json(text)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refuse(f"the model card is wrong at {where or 'its root'}: {first['msg'].lower()}.") from exc
    if card.labels != SLUGS:
        raise Refuse(f"the card {card.id} does not name the seven continents in their order.")
    if card.fusion and card.fusion.streams != STREAMS:
        raise Refuse(f"the card {card.id} does not name the streams of evidence in their order.")
    _ensure_one_promise(card)
    return card


def _ensure_one_promise(card: Card) -> None:
    """A record states one coverage and one method for its set: those of every block must be the same."""
    if card.fusion is None:
        return
    fused = (card.fusion.conformal.method, card.fusion.conformal.coverage)
    for precision, block in card.precisions.items():
        if (block.conformal.method, block.conformal.coverage) != fused:
            raise Refuse(
                f"the card {card.id} promises another conformal coverage or method with evidence than for"
                f" {precision}: make it anew with one of each."
            )


def golden_photo(card_path: Path, photo: GoldenPhoto) -> bytes:
    """Return a golden photo's bytes, which lie beside the card.

    Raises:
        Refuse: the file is missing or is not the one that the card was measured with.
    """
    try:
        data = (card_path.parent / photo.file).read_bytes()
    except OSError as exc:
        raise Refuse(f"the golden photo {photo.file} is missing beside the card ({exc.strerror}).") from exc
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise Refuse(f"the golden photo {photo.file} is not the one that the card names: restore it.")
    return data
