"""Outcomes as the JSON documents of `schemas/prediction.v1.json` and `schemas/rejection.v1.json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from worker.finish.recipe import Recipe
from worker.record import DISPLAY_NAMES, Conflict, Estimate, Moment, Prediction, Rejection, Source

NOTES = (
    "aggregated region-level estimate",
    "intervals cover fitting uncertainty, not a shift of the data",
)


def prediction_document(
    prediction: Prediction, recipe: Recipe, *, now: Moment, budget_ms: int
) -> dict[str, Any]:
    """The record of a classified photo as published at `now`.

    Fields that this version does not produce are null, never missing.
    """
    photo, timing = prediction.photo, prediction.timing
    return {
        "photo_id": photo.photo_id,
        "source": _source(photo.source),
        "time": timestamp(now.wall),
        "decision": prediction.decision.slug,
        "reason": prediction.decision.reason,
        "continents": {
            slug: {"p": estimate.p, "low": estimate.low, "high": estimate.high}
            for slug, estimate in prediction.continents.items()
        },
        "sentence": sentence(prediction.continents),
        "conformal": {
            "set": list(prediction.conformal_set),
            "coverage": recipe.coverage,
            "validated": prediction.validated,
        },
        "stage1": prediction.stage1,
        "fused": prediction.fused,
        "evidence": {
            "gps_continent": prediction.evidence.gps_continent,
            "streams": None if recipe.fused is None else _streams(prediction),
        },
        "conflict": _conflict(None if recipe.fused is None else prediction.conflict),
        "region": None,
        "calibration": {"id": recipe.card_id, "status": "valid", "since": None},
        "signals": {
            "entropy": prediction.entropy,
            "margin": prediction.margin,
            "brightness": prediction.signals.brightness,
            "sharpness": prediction.signals.sharpness,
        },
        "timing": {
            "queue_ms": round(timing.queue_ms, 3),
            "decode_ms": round(timing.decode_ms, 3),
            "infer_ms": round(timing.infer_ms, 3),
            "total_ms": round((now.steady - photo.begun) * 1000, 3),
            "deadline_ms": budget_ms,
            "late": now.steady > photo.deadline,
        },
        "model": {
            "source_sha256": recipe.source_sha256,
            "target": recipe.target,
            "precision": recipe.precision,
            "card": recipe.card_id,
        },
        "notes": list(NOTES),
    }


def rejection_document(rejection: Rejection) -> dict[str, Any]:
    """The record of a photo that cannot be processed: where it lies, why, and never its bytes."""
    return {
        "photo_id": rejection.photo.photo_id,
        "source": _source(rejection.photo.source),
        "reason": rejection.reason,
        "detail": rejection.detail,
    }


def sentence(continents: dict[str, Estimate]) -> str:
    """The estimate in words, most probable first.

    >>> likely, unlikely = Estimate(p=0.81, low=0.7, high=0.89), Estimate(p=0.19, low=0.1, high=0.3)
    >>> sentence({"asia": unlikely, "europe": likely})
    'Estimated probability by continent (95% CI): Europe 0.81 (0.70–0.89), Asia 0.19 (0.10–0.30).'
    """
    ranked = sorted(continents.items(), key=lambda item: -item[1].p)
    parts = (f"{DISPLAY_NAMES[slug]} {e.p:.2f} ({e.low:.2f}–{e.high:.2f})" for slug, e in ranked)
    return f"Estimated probability by continent (95% CI): {', '.join(parts)}."


def timestamp(now: float) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> timestamp(1763715600.12)
    '2025-11-21T09:00:00.120Z'
    """
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _streams(prediction: Prediction) -> dict[str, Any]:
    """Which streams there are and how far each was let in; nothing of what they say."""
    found = prediction.evidence.streams
    return {
        name: {"present": True, "quality": found[name].quality, "weight": weight}
        if name in found
        else {"present": False, "quality": None, "weight": None}
        for name, weight in prediction.weights.items()
    }


def _conflict(found: Conflict | None) -> dict[str, Any]:
    if found is None:
        return dict.fromkeys(("flag", "score", "pixels", "metadata"))
    # Every digit more tells more of what the metadata were, and nothing more about the conflict.
    pixels, metadata = round(found.pixels, 2), round(found.metadata, 2)
    return {"flag": found.flag, "score": max(pixels, metadata), "pixels": pixels, "metadata": metadata}


def _source(source: Source) -> dict[str, Any]:
    return {"topic": source.topic, "partition": source.partition, "offset": source.offset}
