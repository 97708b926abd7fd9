"""The same run twice: every generator begins alike, and only operations that repeat are used."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def reproducible() -> Iterator[None]:
    """Use deterministic operations only; on a GPU, warn of those that have no such form."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark


def seed(number: int, epoch: int) -> None:
    """Seed Python, numpy and torch for one epoch: a run that goes on draws what an unbroken one draws."""
    drawn = int(np.random.default_rng((number, epoch)).integers(2**32))
    random.seed(drawn)
    np.random.seed(drawn)  # noqa: NPY002 - nothing here draws from it; what a library may draw repeats
    torch.manual_seed(drawn)
