"""What is trained on shares nothing with what judges it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.data import made
from training.data import corpus
from training.dataset import TrainingPhoto, held_out_groups
from training.finetune.selection import Selection, by_blocks, even, select
from training.places import EXAMPLES
from worker.errors import Refuse
from worker.record import DISPLAY_NAMES, SLUGS

Rows = list[dict[str, str]]


def rows(each: int = 5, sources: int = 4) -> Rows:
    """Photos of every continent, two of a group, every source with photos of each continent."""
    return [
        made.row(
            f"{number}.jpg",
            DISPLAY_NAMES[SLUGS[number % 7]],
            group=f"g{number % 7}-{number // 14}",
            source_repo=f"someone/s{number // 14 % sources}",
        )
        for number in range(7 * each)
    ]


def studied(folder: Path, given: Rows) -> corpus.Corpus:
    """The data set of these rows, looked into."""
    return corpus.study(made.dataset(folder, given), photos=None, meter=lambda *_: None)


def names(photos: Sequence[TrainingPhoto]) -> set[str]:
    """The photos by their files."""
    return {photo.path.name for photo in photos}


def test_groups_are_dealt_out_whole(tmp_path: Path) -> None:
    """Every photo is somewhere, no group twice, every continent is trained on; always alike."""
    found = studied(tmp_path, rows())
    selection = select(found, seed=3)
    homes: dict[str, set[str]] = {}
    for split, photos in selection.parts().items():
        for photo in photos:
            homes.setdefault(photo.group, set()).add(split)
    assert {len(home) for home in homes.values()} == {1}
    assert sum(map(len, selection.parts().values())) == 35
    assert selection.lacking() == ()
    assert select(found, seed=3) == selection
    counted = selection.document()
    assert counted["left_out"] == 0
    assert sum(counted["train"]["continents"].values()) == counted["train"]["photos"] == len(selection.train)


def test_the_manifests_own_splits_hold(tmp_path: Path) -> None:
    """What it puts nowhere is left out."""
    given = [
        row | {"data_split": ("train", "train", "validation", "test", "")[number // 7]}
        for number, row in enumerate(rows())
    ]
    for number, row in enumerate(given):
        row["group"] = f"g{number}"
    selection = select(studied(tmp_path, given), seed=0)
    assert names(selection.validation) == {f"{number}.jpg" for number in range(14, 21)}
    assert [len(photos) for photos in selection.parts().values()] == [14, 7, 7]
    assert selection.left_out == 7


def test_splits_that_share_a_group_or_a_picture_are_refused(tmp_path: Path) -> None:
    """Both are leaks, whoever made the splits."""
    given = [row | {"data_split": "train" if number % 2 else "test"} for number, row in enumerate(rows())]
    with pytest.raises(Refuse, match="in two splits"):
        select(studied(tmp_path, given), seed=0)
    for number, row in enumerate(given):
        row["group"] = f"g{number}"
    made.dataset(tmp_path, given)
    (tmp_path / "1.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    again = corpus.study(tmp_path, photos=None, meter=lambda *_: None)
    with pytest.raises(Refuse, match="one picture twice"):
        select(again, seed=0)


def test_a_continent_without_a_photo_to_train_on_is_refused(tmp_path: Path) -> None:
    """It is named."""
    given = [row for row in rows() if row["continent"] not in {"Oceania", "Antarctica"}]
    with pytest.raises(Refuse, match="no photo to train on of Antarctica, Oceania"):
        select(studied(tmp_path, given), seed=0)


def test_nothing_to_stop_by_is_refused(tmp_path: Path) -> None:
    """One group for each continent is trained on, and none is left."""
    with pytest.raises(Refuse, match="no photo to stop by"):
        select(studied(tmp_path, rows(each=1)), seed=0)


def test_examples_are_never_trained_on(tmp_path: Path) -> None:
    """Nor what shares a group, or a picture, with them: they judge every model here."""
    known = min(held_out_groups())
    given = rows()
    given[0]["group"] = known
    made.dataset(tmp_path, given)
    (tmp_path / "1.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    selection = select(corpus.study(tmp_path, photos=None, meter=lambda *_: None), seed=0)
    used = set().union(*map(names, selection.parts().values()))
    # 1.jpg shows what 0.jpg shows, and 8.jpg is of the group of 1.jpg.
    assert not used & {"0.jpg", "1.jpg", "8.jpg"}
    assert selection.left_out == 35 - len(used)
    with pytest.raises(Refuse, match="these are the example photos"):
        select(corpus.study(EXAMPLES, photos=None, meter=lambda *_: None), seed=0)


def test_a_source_can_be_left_out_whole(tmp_path: Path) -> None:
    """It is the test, all of it, and nothing of it is trained on or stopped by."""
    found = studied(tmp_path, rows(each=8))
    selection = select(found, seed=0, leave_out="someone/s2")
    assert {photo.source for photo in selection.test} == {"someone/s2"}
    assert len(selection.test) == 14
    assert "someone/s2" not in {photo.source for photo in (*selection.train, *selection.validation)}
    with pytest.raises(Refuse, match="no such source"):
        select(found, seed=0, leave_out="someone/else")


def test_blocks_leave_every_source_out_once(tmp_path: Path) -> None:
    """Each photo is judged in one block, by a model that has seen nothing of its source."""
    found = studied(tmp_path, rows(each=8))
    judged: Counter[str] = Counter()
    blocks = list(by_blocks(found, blocks=3, seed=0))
    assert len(blocks) == 3
    for selection in blocks:
        left_out = {photo.source for photo in selection.test}
        assert not left_out & {photo.source for photo in (*selection.train, *selection.validation)}
        assert selection.validation
        judged.update(names(selection.test))
    assert set(judged.values()) == {1}
    assert len(judged) == 56
    with pytest.raises(Refuse, match="5 blocks need as many sources"):
        list(by_blocks(found, blocks=5, seed=0))


def test_a_selection_shows_no_file(tmp_path: Path) -> None:
    """Neither its figures nor its repr name one."""
    selection: Selection = select(studied(tmp_path, rows()), seed=0)
    assert ".jpg" not in repr(selection) + str(selection.document())


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 50), min_size=5, max_size=30))
def test_blocks_are_nearly_even(sizes: dict[str, int]) -> None:
    """Every source has a block, none is empty, and two differ by no more than the largest source."""
    found = even(sizes, 4)
    assert set(found) == set(sizes)
    full = [sum(sizes[name] for name, block in found.items() if block == one) for one in range(4)]
    assert min(full) > 0
    assert max(full) - min(full) <= max(sizes.values())
