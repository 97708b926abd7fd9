"""Small values that several tests of the worker need."""

from __future__ import annotations

import numpy as np

from worker.finish.recipe import Recipe, Standard
from worker.record import (
    SLUGS,
    STREAMS,
    Answer,
    Conflict,
    Decision,
    Estimate,
    Evidence,
    ImageSignals,
    Logits,
    Photo,
    Prediction,
    Prepared,
    Rejection,
    Source,
    Stream,
    Timing,
)


def photo(offset: int = 0, partition: int = 0, **changes: object) -> Photo:
    """A photo at an offset, with anything about it changed."""
    values: dict[str, object] = {
        "source": Source("photos", partition, offset),
        "photo_id": f"id-{partition}-{offset}",
        "key": None,
        "payload": b"",
        "dataref": None,
        "traceparent": None,
        "begun": 100.0,
        "deadline": 100.2,
    }
    return Photo(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes


def outcome(offset: int, partition: int = 0, detail: str = "Nothing.") -> Rejection:
    """An outcome that can be told apart by its source and its detail."""
    return Rejection(photo=photo(offset, partition), reason="empty", detail=detail)


def recipe(**changes: object) -> Recipe:
    """A recipe with anything about it changed."""
    values: dict[str, object] = {
        "card_id": "card-1",
        "labels": SLUGS,
        "temperature": 1.0,
        "student_t": 2.7764451051977987,
        "interval": "bootstrap",
        "coverage": 0.9,
        "image": Standard(theta=0.5, quantile=0.9, validated=True),
        "fused": Standard(theta=0.4, quantile=0.8, validated=False),
        "pixels_conflict": 0.95,
        "metadata_conflict": 0.5,
        "source_sha256": "0" * 64,
        "target": "cpu",
        "precision": "fp32",
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes


def standard(**changes: object) -> Standard:
    """What answers are held to, with anything about it changed."""
    values: dict[str, object] = {"theta": 0.5, "quantile": 0.9, "validated": True}
    return Standard(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes


def told(**streams: tuple[str, float]) -> Evidence:
    """Evidence whose streams each speak for one continent, with a quality."""
    said = {name: for_one(*each) for name, each in streams.items()}
    return Evidence(streams=said, gps_continent=None, disagreement=0.0)


def for_one(slug: str, quality: float) -> Stream:
    """A stream that speaks for one continent."""
    return Stream(likelihood=tuple(0.94 if each == slug else 0.01 for each in SLUGS), quality=quality)


def prepared(**changes: object) -> Prepared:
    """A grey photo without evidence, with anything about it changed."""
    values: dict[str, object] = {
        "pixels": np.zeros((260, 260, 3), np.uint8),
        "signals": ImageSignals(brightness=0.5, sharpness=0.5),
    }
    return Prepared(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes


def answer(stage1: Logits, stage2: Logits | None = None, gates: float = 0.0) -> Answer:
    """What an engine answers; without a second stage, as where there is no evidence."""
    return Answer(
        stage1=stage1,
        stage2=stage1 if stage2 is None else stage2,
        gates=np.full(len(STREAMS), gates, np.float32),
    )


def prediction(number: float = 1 / 7, **changes: object) -> Prediction:
    """A prediction in which every number is this one, every field filled, with anything about it changed."""
    values: dict[str, object] = {
        "photo": photo(),
        "decision": Decision(slug="undetermined", reason="model_unqualified"),
        "continents": dict.fromkeys(SLUGS, Estimate(p=number, low=number, high=number)),
        "conformal_set": SLUGS,
        "validated": False,
        "stage1": dict.fromkeys(SLUGS, number),
        "fused": dict.fromkeys(SLUGS, number),
        "evidence": Evidence(
            streams={name: Stream(likelihood=(1 / 7,) * 7, quality=number) for name in STREAMS},
            gps_continent="south-america",
            disagreement=number,
        ),
        "weights": dict.fromkeys(STREAMS, number),
        "conflict": Conflict(flag=False, pixels=number, metadata=number),
        "entropy": number,
        "margin": number,
        "signals": ImageSignals(brightness=number, sharpness=number),
        "timing": Timing(queue_ms=1e9 / 3, decode_ms=1e9 / 3, infer_ms=1e9 / 3),
    }
    return Prediction(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes
