"""MC dropout on the fusion's gates as explicit masks: the same gates, thinned in a few fixed ways.

A mask drops hidden units and scales the rest by 1/(1 − p) (Srivastava et al., 2014); predictions under
several masks are a sample of an approximate posterior (Gal and Ghahramani, 2016). Masks drawn once and
written down make every prediction repeatable, and are `Gates` like any other: same file, engine, interval.
"""

from __future__ import annotations

import numpy as np

from training.embeddings import Matrix
from training.fusion.gated import Gates


def masks(count: int, units: int, *, rate: float, seed: int) -> Matrix:
    """Factors of the hidden units, shape (count, units): 0 or 1/(1 − rate), drawn by the seed."""
    kept = np.random.default_rng((seed, count, units)).random((count, units)) >= rate
    return np.asarray(kept / (1 - rate))


def members(gates: Gates, factors: Matrix) -> Gates:
    """One member for every mask.

    Args:
        gates: of a single member, fitted with dropout of its hidden units.
        factors: the masks, shape (count, units).

    Raises:
        ValueError: the gates have several members.
    """
    if gates.members != 1:
        raise ValueError("masks are put on one member: fit a single one")
    count = len(factors)
    return Gates(
        hidden=np.repeat(gates.hidden, count, axis=0),
        stream=np.repeat(gates.stream, count, axis=0),
        output=gates.output * factors,
        direct=np.repeat(gates.direct, count, axis=0),
        bias=np.repeat(gates.bias, count, axis=0),
        power=np.repeat(gates.power, count, axis=0),
    )
