"""Fusion models with random parameters: what holds of them holds of any."""

from __future__ import annotations

import numpy as np

from training.fusion.context import FEATURES
from training.fusion.gated import Gates
from training.fusion.mlp import Mlp


def any_gates(seed: int, *, members: int = 2, units: int = 3) -> Gates:
    """Gates with large random parameters."""
    rng = np.random.default_rng(seed)
    return Gates(
        hidden=rng.normal(0, 2, (members, FEATURES, units)),
        stream=rng.normal(0, 2, (members, 7, units)),
        output=rng.normal(0, 2, (members, units)),
        direct=rng.normal(0, 2, (members, FEATURES)),
        bias=rng.normal(0, 2, (members, 7)),
        power=rng.normal(0, 1, (members, 7)),
    )


def any_mlp(seed: int, *, members: int = 2) -> Mlp:
    """Perceptrons with random parameters."""
    rng = np.random.default_rng(seed)
    return Mlp(
        entry=rng.normal(0, 0.3, (members, 70, 4)),
        offset=rng.normal(size=(members, 4)),
        exit=rng.normal(size=(members, 4, 7)),
        bias=rng.normal(size=(members, 7)),
    )
