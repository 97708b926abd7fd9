"""What must stay together: photos of one group, and near-duplicates, in whatever groups they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Clusters = npt.NDArray[np.int64]
"""The cluster that each photo is in, int64 (n,), numbered from 0 by first appearance."""


def clusters(groups: Sequence[str], pairs: npt.NDArray[np.int64]) -> Clusters:
    """Join groups that share near-duplicates, through any number of others.

    Args:
        groups: each photo's group.
        pairs: near-duplicates, int64 (pairs, 2), rows of `groups`.

    >>> clusters(["a", "a", "b", "c"], np.array([[1, 2]])).tolist()
    [0, 0, 0, 1]
    """
    n = len(groups)
    number: dict[str, int] = {}
    # Groups are nodes of the graph beside the photos, each tied to its members.
    member = np.array([number.setdefault(group, len(number)) for group in groups], dtype=np.int64) + n
    ends = np.concatenate([np.stack([np.arange(n), member], axis=1), pairs.reshape(-1, 2)])
    graph = coo_array(
        (np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(n + len(number),) * 2
    )
    _, found = connected_components(graph, directed=False)
    _, first, index = np.unique(found[:n], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[index].astype(np.int64)
