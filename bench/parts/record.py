"""A result as the worker publishes it, of invented logits: its names, its headers and its size."""

from __future__ import annotations

import numpy as np

from worker.edges.card import load
from worker.edges.producer import Output
from worker.edges.tensors import CLOSED
from worker.finish.finish import finish
from worker.outputs import output
from worker.record import SLUGS, Answer, ImageSignals, Moment, Photo, Prepared, Source, Timing
from worker.settings import Settings
from worker.topics import PHOTOS

NOTHING = np.zeros((1, 1, 3), np.uint8)


def result(settings: Settings) -> Output:
    """Return the record of one invented photo."""
    card = load(settings.card)
    recipe = card.recipe(precision=min(card.precisions), target="cpu")
    photo = Photo(
        source=Source(PHOTOS, 0, 100_000),
        photo_id="00000000-0000-4000-8000-000000000000",
        key=None,
        payload=b"",
        dataref=None,
        traceparent=None,
        begun=0.0,
        deadline=0.2,
    )
    logits = np.random.default_rng(0).normal(size=(card.heads, len(SLUGS))).astype(np.float32)
    prediction = finish(
        photo,
        Answer(stage1=logits, stage2=logits, gates=CLOSED),
        Prepared(pixels=NOTHING, signals=ImageSignals(brightness=1 / 3, sharpness=2 / 3)),
        Timing(queue_ms=12.345, decode_ms=2.345, infer_ms=23.456),
        recipe,
    )
    return output(prediction, recipe, now=Moment(1.0, 0.05), budget_ms=settings.deadline.budget_ms)
