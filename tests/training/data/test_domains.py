"""Cross-domain splits: the source left out is not known to those that are fitted on, by any chain."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.domains import UNUSED, leave_out

NAMES = st.sampled_from(["a", "b", "c", None])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.integers(0, 6), st.integers(0, 9), st.booleans()), min_size=1, max_size=30)
)
def test_a_source_left_out_is_unknown(photos: list[tuple[str | None, int, int, bool]]) -> None:
    """Test is the source; no cluster of it is fitted on; a photo without a source is in nothing."""
    source = [photo[0] for photo in photos]
    label = np.array([photo[1] for photo in photos])
    cluster = np.unique([photo[2] for photo in photos], return_inverse=True)[1]
    fixed = np.array([photo[3] for photo in photos])
    folds = list(leave_out(source, label, cluster, fixed))
    assert [fold.source for fold in folds] == sorted({one for one in source if one is not None})
    for fold in folds:
        here = np.array([one == fold.source for one in source])
        assert np.array_equal(fold.split == 2, here & ~fixed)
        fitted = (fold.split == 0) | (fold.split == 1)
        assert not set(cluster[fitted].tolist()) & set(cluster[here].tolist())
        assert not (fixed & (fold.split == 1)).any()
        for place, one in enumerate(source):
            if one is None:
                assert fold.split[place] == UNUSED
            elif one != fold.source:
                assert fitted[place] == (cluster[place] not in cluster[here])


def test_what_remains_is_split_in_two() -> None:
    """Train and validation are 85/15 of the other sources."""
    source = ["left"] * 10 + ["other"] * 100
    label = np.zeros(110, dtype=np.int64)
    (left, _) = leave_out(source, label, np.arange(110), np.zeros(110, bool))
    assert np.bincount(left.split, minlength=3).tolist() == [85, 15, 10]
