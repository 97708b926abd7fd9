"""What each measured part is called in the figures."""

from __future__ import annotations

from typing import Final

DECODE: Final = "decode"
ENGINE: Final = "engine"
ALONE: Final = "engine_alone"
GRPC: Final = "triton"
SHARED: Final = "triton_shared_memory"
KAFKA: Final = "kafka"
PRODUCE: Final = "kafka_produce"
CONSUME: Final = "kafka_consume"


def batch(size: int) -> str:
    """The engine in process with batches of this size.

    >>> batch(8)
    'engine_8'
    """
    return f"{ENGINE}_{size}"


def load(way: str, requests: int, photos: int) -> str:
    """Triton, asked in this way, with so many requests under way of so many photos each.

    >>> load(SHARED, 2, 8)
    'triton_shared_memory_2x8'
    """
    return f"{way}_{requests}x{photos}"
