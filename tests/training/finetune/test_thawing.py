"""Which epoch thaws what."""

from __future__ import annotations

import pytest

from training.finetune.recipes import RECIPES
from training.finetune.thawing import thawed, thaws


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_stages_thaw_from_the_top_and_stay_thawed(name: str) -> None:
    """Epoch 0 trains nothing of the backbone, each further one a stage more, the topmost first."""
    stages = RECIPES[name].stages
    plan = thaws(stages, every=1)
    for epoch in range(len(stages) + 3):
        assert thawed(plan, epoch) == stages[:epoch]


def test_every_so_many_epochs_and_only_so_deep() -> None:
    """With `every` 3 and a depth of 2: the top in epoch 1, the next in 4, and no other ever."""
    stages = RECIPES["lite2"].stages
    plan = thaws(stages, every=3, depth=2)
    assert [thaw.epoch for thaw in plan] == [1, 4]
    assert [len(thawed(plan, epoch)) for epoch in (0, 1, 3, 4, 99)] == [0, 1, 1, 2, 2]
