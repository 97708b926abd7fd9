"""Cross-domain splits: one whole source is the test, the others are fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.data.clusters import Clusters
from training.data.split import Shares, deal

REST = Shares(parts=(0.85, 0.15), order=(0, 1))
"""Train and validation, of what is not the source left out."""

UNUSED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One source left out: `split` holds each photo's split, an index of SPLITS, or UNUSED, int64 (n,).

    Unused are photos of other sources whose cluster has a photo of this one: they would tell of it.
    """

    source: str
    split: npt.NDArray[np.int64]


def leave_out(
    source: Sequence[str | None],
    label: npt.NDArray[np.int64],
    cluster: Clusters,
    fixed: npt.NDArray[np.bool_],
    *,
    seed: int = 0,
) -> Iterator[Domain]:
    """Leave every source out in turn, in alphabetical order.

    Photos without a source are never left out and never fitted on: nobody knows what they share with whom.

    Args:
        source: each photo's source.
        label: each photo's continent, an index of SLUGS, int64 (n,).
        cluster: what must stay together, int64 (n,).
        fixed: photos that are never judged with (synthetic ones).
        seed: draws the order in which equals are dealt.
    """
    named = np.array([one is not None for one in source], dtype=bool)
    names = np.array([one or "" for one in source], dtype=np.str_)
    for name in sorted({one for one in source if one is not None}):
        here = named & (names == name)
        rest = named & ~here & ~np.isin(cluster, cluster[here])
        split = np.full(len(label), UNUSED, dtype=np.int64)
        split[here & ~fixed] = 2
        if rest.any():
            _, numbered = np.unique(cluster[rest], return_inverse=True)
            split[rest] = deal(label[rest], numbered.astype(np.int64), fixed[rest], REST, seed=seed)
        yield Domain(source=name, split=split)
