"""A mix's photos as the engine takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.mixes import photos
from worker.edges.card import load
from worker.prepare.decode import DecodeLimits, decode
from worker.record import Pixels, Prepared
from worker.settings import Settings


def decoder(settings: Settings) -> Callable[[bytes], Prepared]:
    """The worker's decoding, with its limits and its card's target."""
    limits = DecodeLimits(settings.limit.pixels, settings.limit.side)
    return partial(decode, limits=limits, target=load(settings.card).target)


def decoded(mix: Path, settings: Settings) -> list[Pixels]:
    """Every photo of a mix's folder, decoded: uint8 (size, size, 3)."""
    turned = decoder(settings)
    return [turned(photo).pixels for photo in photos(mix)]
