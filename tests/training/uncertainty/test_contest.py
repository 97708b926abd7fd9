"""MC dropout against ensembles, small."""

from __future__ import annotations

import numpy as np
import pytest

from training.fusion.fit import Recipe
from training.uncertainty import contest, known

QUICK = Recipe(steps=30)


def test_every_method_has_a_row_in_the_known_world() -> None:
    """Coverage, width and divergence in their ranges; three members are surer of less than five are."""
    told: list[int] = []
    rows = contest.in_the_known_world(
        photos=150, fresh=200, repeats=2, recipe=QUICK, tell=lambda _, done, __: told.append(done)
    )
    by_name = {row["method"]: row for row in rows}
    assert list(by_name) == ["ensemble of 3", "ensemble of 5", "MC dropout 0.1", "MC dropout 0.2"]
    assert told == list(range(8))
    for row in rows:
        assert 0 <= row["coverage"] <= 1
        assert 0 < row["width"] < 1
        assert row["divergence"] > 0
    # Student's t with two degrees of freedom is wide, and honest about it.
    assert by_name["ensemble of 3"]["width"] > by_name["ensemble of 5"]["width"]
    assert by_name["ensemble of 5"]["coverage"] > 0.8


def test_members_that_agree_have_no_width() -> None:
    """Dropout that drops nothing is one opinion, five times: bounds meet at the probability."""
    seen, new = known.draw(100, seed=1).samples, known.draw(50, seed=2).samples
    p, low, high = contest.bounds(contest.Dropout(0.0).fit(seen, QUICK), new)
    assert low == pytest.approx(p)
    assert high == pytest.approx(p)


def test_photos_are_judged_out_of_their_source() -> None:
    """A row a method, with the likelihood and the order of confidence of fresh photos."""
    seen, new = (known.draw(120, seed=seed).samples for seed in (3, 4))
    for samples in (seen, new):
        samples.source[:] = np.where(np.arange(120) < 60, "0", "1")
    rows = contest.on_photos(seen, new, QUICK)
    assert [row["method"] for row in rows] == [str(method) for method in contest.METHODS]
    assert all(0 < row["nll"] < 2 and 0 <= row["excess_aurc"] < 0.5 for row in rows)
