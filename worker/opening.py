"""Before the first photo: does the engine fit the card, and does it answer the golden photos rightly?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from worker.edges.card import Card, golden_photo
from worker.edges.triton import BACKBONE, HEADS, Engine, EngineTimeout
from worker.errors import Refuse, Retry
from worker.finish.finish import calibrated
from worker.finish.recipe import Recipe
from worker.prepare.decode import DecodeLimits, decode
from worker.record import Prepared
from worker.settings import LimitSettings, TritonSettings

GOLDEN_SECONDS = 10.0
"""The very first requests of an engine may take longer than any later one."""


class Qualified(NamedTuple):
    """What a proved engine is used with: the recipe, and a golden photo that it has answered."""

    recipe: Recipe
    known: Prepared


async def qualify(
    engine: Engine, card: Card, card_path: Path, *, triton: TritonSettings, limit: LimitSettings
) -> Qualified:
    """Return the recipe to follow, for an engine that was made from the card's files and proved it.

    Raises:
        Retry: Triton is away or still loading.
        Refuse: the engine is another one, has no calibration, takes smaller requests, or answers golden
            photos wrongly.
    """
    if not await engine.ready():
        raise Retry(
            f"no Triton serves {triton.model} at {triton.url}: start one with `pangaea up`, or set"
            " PANGAEA_TRITON__URL"
        )
    recipe = await _matching(engine, card)
    largest = await engine.largest()
    if triton.photos_per_request > largest:
        raise Refuse(
            f"the engine takes {largest} photos a request at most: set PANGAEA_TRITON__PHOTOS_PER_REQUEST to"
            f" {largest} or less."
        )
    known: list[Prepared] = []
    for photo in card.golden.photos:
        data = golden_photo(card_path, photo)
        prepared = decode(data, DecodeLimits(limit.pixels, limit.side), card.target)
        try:
            (said,) = await engine.infer([prepared], GOLDEN_SECONDS)
        except EngineTimeout as exc:
            raise Retry("Triton did not answer a golden photo in time") from exc
        # Without evidence both stages say the same.
        gap = max(card.golden_gap(photo, calibrated(stage, recipe).p) for stage in (said.stage1, said.stage2))
        if gap > card.golden.tolerance:
            raise Refuse(
                f"the engine is {gap:.3f} off on the golden photo {photo.file}, more than the card's"
                f" {card.golden.tolerance}: build it anew with `pangaea models build`."
            )
        known.append(prepared)
    return Qualified(recipe, known[0])


async def _matching(engine: Engine, card: Card) -> Recipe:
    """Hold what the engines say of themselves against the card."""
    stated = {model: await engine.identity(model) for model in (BACKBONE, HEADS)}
    for model, identity in stated.items():
        source = card.sources.get(model)
        if source is None or source.sha256 != identity.source_sha256:
            raise Refuse(
                f"Triton's {model} was not made from the file that the card {card.id} names: build it anew"
                " with `pangaea models build`, or set PANGAEA_CARD to its own card."
            )
    together = "\n".join(card.sources[model].sha256 for model in (BACKBONE, HEADS))
    if hashlib.sha256(together.encode()).hexdigest() != card.source_sha256:
        raise Refuse(f"the card {card.id} contradicts itself: its source_sha256 is not that of its sources.")
    backbone = stated[BACKBONE]
    return card.recipe(precision=backbone.precision, target=backbone.target)
