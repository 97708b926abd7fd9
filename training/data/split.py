"""Splits of 70/15/15: stratified by continent and grouped, so that nothing is judged that was seen before.

Whole clusters are dealt out. Which cluster goes where is found by iterated local search (Lourenço, Martin and
Stützle 2003): begin with the rarest continents and the largest clusters, each where it is missed most; move
single clusters while that brings the splits nearer to their shares; then again and again move a few at
random, mend, and keep what came out better. Exact shares are rarely possible: the report says what became of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.clusters import Clusters
from worker.record import SLUGS

Counts = npt.NDArray[np.int64]
"""Photos by cluster (or split) and label, int64 (rows, labels)."""

SHARES: Final = (0.70, 0.15, 0.15)
"""Of `item.SPLITS`: train, validation, test."""

FIRST_SERVED: Final = (0, 2, 1)
"""Which splits get a continent that has fewer clusters than there are splits: fitting first, then judging."""

_KICKS: Final = 1_000
_PATIENCE: Final = 200
_CLUSTERS_KICKED: Final = 100_000
_KICKED: Final = 4
_MOVES: Final = 1_000
_ABSENT: Final = 1e6
_NO_BETTER: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What is dealt out to whom: each split's part of every continent, and which are served first."""

    parts: tuple[float, ...] = SHARES
    order: tuple[int, ...] = FIRST_SERVED


def deal(
    label: npt.NDArray[np.int64],
    cluster: Clusters,
    fixed: npt.NDArray[np.bool_],
    shares: Shares,
    *,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Deal photos out to splits, whole clusters at a time.

    Args:
        label: each photo's continent, an index of SLUGS, int64 (n,).
        cluster: what must stay together, int64 (n,), from 0 without gaps.
        fixed: photos that must be in the first split (synthetic ones), and their clusters with them.
        shares: of each split.
        seed: draws the order in which equals are dealt.

    Returns:
        Each photo's split, an index of `shares.parts`, int64 (n,). The same arguments give the same splits.
    """
    if not len(label):
        return np.empty(0, dtype=np.int64)
    counts = np.zeros((int(cluster.max()) + 1, len(SLUGS)), dtype=np.int64)
    np.add.at(counts, (cluster, label), 1)
    held = np.zeros(len(counts), dtype=bool)
    held[cluster[fixed]] = True
    generator = np.random.default_rng(seed)
    aim = _Aim.of(counts, shares)
    best, least = _settle(_begin(counts, held, shares, generator), counts, held, aim)
    free, since = np.flatnonzero(~held), 0
    for _ in range(min(_KICKS, _CLUSTERS_KICKED // len(counts)) if len(free) else 0):
        kicked = best.copy()
        few = generator.choice(free, min(len(free), int(generator.integers(1, _KICKED + 1))), replace=False)
        kicked[few] = generator.integers(0, len(shares.parts), len(few))
        found, cost = _settle(kicked, counts, held, aim)
        since = 0 if cost < least - _NO_BETTER else since + 1
        if cost <= least:
            best, least = found, cost
        if since == _PATIENCE:
            break
    return best[cluster]


@dataclass(frozen=True, slots=True)
class _Aim:
    """What splits should hold: photos, float (splits, labels), and at least one of what is `wanted`."""

    target: npt.NDArray[np.float64]
    wanted: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, counts: Counts, shares: Shares) -> _Aim:
        target = np.outer(shares.parts, counts.sum(axis=0))
        clusters = (counts > 0).sum(axis=0)
        wanted = np.zeros(target.shape, dtype=bool)
        for rank, split in enumerate(shares.order):
            wanted[split] = clusters > rank
        return cls(target, wanted)


def _cost(totals: npt.NDArray[np.int64], aim: _Aim) -> npt.NDArray[np.float64]:
    """How far totals (…, splits, labels) are from the aim: χ², and far more where a continent is absent."""
    off = (totals - aim.target) ** 2 / np.maximum(aim.target, 1)
    absent = aim.wanted & (totals == 0)
    cost: npt.NDArray[np.float64] = (off + _ABSENT * absent).sum(axis=(-1, -2))
    return cost


def _begin(
    counts: Counts, held: npt.NDArray[np.bool_], shares: Shares, generator: np.random.Generator
) -> Clusters:
    """Deal every cluster once: held ones first, then by the rarest continent in them, the largest first."""
    aim = _Aim.of(counts, shares)
    rarity = np.where(counts > 0, (counts > 0).sum(axis=0), len(counts) + 1).min(axis=1)
    order = np.lexsort((generator.permutation(len(counts)), -counts.sum(axis=1), rarity, ~held))
    assigned = np.zeros(len(counts), dtype=np.int64)
    totals = np.zeros((len(shares.parts), counts.shape[1]), dtype=np.int64)
    for one in order:
        if not held[one]:
            with_it = totals[None] + np.eye(len(shares.parts), dtype=np.int64)[:, :, None] * counts[one]
            assigned[one] = int(np.argmin(_cost(with_it, aim)))
        totals[assigned[one]] += counts[one]
    return assigned


def _settle(
    assigned: Clusters, counts: Counts, held: npt.NDArray[np.bool_], aim: _Aim
) -> tuple[Clusters, float]:
    """Move single clusters, the most useful first, until no move helps; with what it costs then."""
    assigned, splits = assigned.copy(), len(aim.target)
    totals = np.zeros(aim.target.shape, dtype=np.int64)
    np.add.at(totals, assigned, counts)
    unit = np.eye(splits, dtype=np.int64)
    now = float(_cost(totals, aim))
    for _ in range(min(len(counts), _MOVES)):
        without = totals - unit[assigned][:, :, None] * counts[:, None, :]
        with_it = without[:, None] + unit[None, :, :, None] * counts[:, None, None, :]
        moved = _cost(with_it, aim)
        moved[held] = np.inf
        one, to = np.unravel_index(np.argmin(moved), moved.shape)
        if moved[one, to] >= now - _NO_BETTER:
            break
        totals = with_it[one, to]
        assigned[one], now = to, float(moved[one, to])
    return assigned, now


def unserved(
    label: npt.NDArray[np.int64], cluster: Clusters, split: npt.NDArray[np.int64], splits: int
) -> list[tuple[int, int, int]]:
    """Continents that a split has no photo of: (split, label, clusters that the continent has)."""
    found = []
    for one in np.unique(label):
        rows = label == one
        clusters = len(np.unique(cluster[rows]))
        found += [(which, int(one), clusters) for which in range(splits) if not (split[rows] == which).any()]
    return found
