"""What must stay together is exactly what is tied by groups and near-duplicates."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.clusters import clusters

GROUPS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12)


@settings(deadline=None)
@given(GROUPS, st.data())
def test_clusters_are_the_closure(groups: list[str], data: st.DataObject) -> None:
    """Two photos share a cluster when a chain of groups and pairs joins them, and only then."""
    place = st.integers(0, len(groups) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=6))
    found = clusters(groups, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    together = [{i} for i in range(len(groups))]
    ties = [*pairs, *((i, groups.index(group)) for i, group in enumerate(groups))]
    for one, other in ties:
        joined = together[one] | together[other]
        for member in joined:
            together[member] = joined
    for i in range(len(groups)):
        assert set(np.flatnonzero(found == found[i]).tolist()) == together[i]


def test_numbers_follow_first_appearance() -> None:
    """The numbers are those a reader would give, so that the same data set always gets the same splits."""
    none = np.empty((0, 2), dtype=np.int64)
    assert clusters(["z", "a", "z", "m"], none).tolist() == [0, 1, 0, 2]
    assert clusters([], none).tolist() == []
