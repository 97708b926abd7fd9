"""A mix's photos as the engine is asked about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.mixes import photos
from worker.edges.card import load
from worker.prepare.decode import DecodeLimits
from worker.prepare.prepare import prepare
from worker.record import Prepared
from worker.settings import Settings


def preparation(settings: Settings) -> Callable[[bytes], Prepared]:
    """The worker's decoding and reading of metadata, with its limits and its card's target."""
    limits = DecodeLimits(settings.limit.pixels, settings.limit.side)
    return partial(prepare, limits=limits, target=load(settings.card).target, now=time.time())


def prepared(mix: Path, settings: Settings) -> list[Prepared]:
    """Every photo of a mix's folder."""
    turn = preparation(settings)
    return [turn(photo) for photo in photos(mix)]
