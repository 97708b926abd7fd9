"""Which photos are trained on, which decide when to stop, and which judge; no group is torn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from training.data import divide, domains
from training.data.corpus import Corpus
from training.data.item import SPLITS, Item, Split
from training.dataset import TrainingPhoto, held_out_groups
from training.evaluation.answers import Labels
from worker.errors import Refuse
from worker.record import DISPLAY_NAMES, SLUGS

Splits = Mapping[str, Split | None]
"""By `image_id`, the split of a usable photo; None for one in none."""

NOWHERE: Final = "unknown"
"""The source of photos that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The photos of a run by their splits; `items` are the records, `left_out` counts rows in no split."""

    train: tuple[TrainingPhoto, ...] = field(repr=False)
    validation: tuple[TrainingPhoto, ...] = field(repr=False)
    test: tuple[TrainingPhoto, ...] = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)
    left_out: int

    def parts(self) -> dict[Split, tuple[TrainingPhoto, ...]]:
        """The photos by the name of their split."""
        return dict(zip(SPLITS, (self.train, self.validation, self.test), strict=True))

    def lacking(self) -> tuple[str, ...]:
        """The continents, by slug, of which no photo is trained on."""
        return tuple(slug for slug, count in zip(SLUGS, counts(self.train), strict=True) if not count)

    def document(self) -> dict[str, Any]:
        """How many photos are where, in JSON's types; of single photos nothing."""
        return {
            name: {
                "photos": len(photos),
                "groups": len({photo.group for photo in photos}),
                "sources": len({photo.source for photo in photos}),
                "continents": dict(zip(SLUGS, counts(photos), strict=True)),
            }
            for name, photos in self.parts().items()
        } | {"left_out": self.left_out}


def counts(photos: Sequence[TrainingPhoto]) -> list[int]:
    """How many photos each continent has, in the order of SLUGS."""
    seen = Counter(photo.label for photo in photos)
    return [seen[label] for label in range(len(SLUGS))]


def labels(photos: Sequence[TrainingPhoto]) -> Labels:
    """The continents as indices of SLUGS, int64 (n,)."""
    return np.array([photo.label for photo in photos], dtype=np.int64)


def select(corpus: Corpus, *, seed: int, leave_out: str | None = None) -> Selection:
    """Divide a data set for a run.

    The manifest's own splits hold if it has any. Otherwise whole groups are dealt out 70/15/15, or, with a
    source left out, that source is the test and the rest is dealt out 85/15. Photos that share a group or a
    picture with the examples, which judge every model here, are in no split.

    Raises:
        Refuse: splits share photos of one group or one picture, there is no such source, a continent has no
            photo to train on, or there is none to stop by.
    """
    corpus = _without_examples(corpus)
    selection = _selected(corpus, _splits(corpus, seed=seed, leave_out=leave_out))
    lacking = selection.lacking()
    if lacking:
        names = ", ".join(DISPLAY_NAMES[slug] for slug in lacking)
        raise Refuse(f"there is no photo to train on of {names}: add some, or leave out another source.")
    if not selection.validation:
        raise Refuse(
            "there is no photo to stop by: add photos of other groups, so that some can be held back."
        )
    return selection


def by_blocks(corpus: Corpus, *, blocks: int, seed: int) -> Iterator[Selection]:
    """Leave out whole sources in turn, as many at a time as make so many blocks of nearly even size.

    A continent that only one source shows is then not trained on once: callers look at `lacking`.

    Raises:
        Refuse: there are fewer sources than blocks, or a block leaves nothing to train on or to stop by.
    """
    corpus = _without_examples(corpus)
    used = np.flatnonzero(corpus.usable())
    sources = [corpus.items[place].source or NOWHERE for place in used.tolist()]
    if len(set(sources)) < blocks:
        raise Refuse(
            f"{blocks} blocks need as many sources: ask for fewer, or add photos of others.", exit_code=2
        )
    block = even(Counter(sources), blocks)
    _, cluster = np.unique(corpus.cluster[used], return_inverse=True)
    for domain in domains.leave_out(
        [f"{block[source]:03}" for source in sources],
        corpus.labels()[used],
        cluster.astype(np.int64),
        corpus.synthetic()[used],
        seed=seed,
    ):
        names = [None if one < 0 else SPLITS[one] for one in domain.split.tolist()]
        ids = [corpus.items[place].image_id for place in used.tolist()]
        selection = _selected(corpus, dict(zip(ids, names, strict=True)))
        if not all(selection.parts().values()):
            raise Refuse(
                "a block leaves too few photos to train on and to stop by: ask for fewer or more blocks."
            )
        yield selection


def even(sizes: Mapping[str, int], blocks: int) -> dict[str, int]:
    """The block of each source: the largest first, each to the block that is smallest so far.

    >>> even({"a": 5, "b": 3, "c": 3}, 2)
    {'a': 0, 'b': 1, 'c': 1}
    """
    full, found = [0] * blocks, {}
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        found[name] = full.index(min(full))
        full[found[name]] += sizes[name]
    return found


def _splits(corpus: Corpus, *, seed: int, leave_out: str | None) -> Splits:
    if leave_out is not None:
        for source, photos in divide.by_source(corpus, seed=seed):
            if source == leave_out:
                return {item.image_id: split for item, split in photos}
        raise Refuse("the manifest has no such source: name one of its column source.", exit_code=2)
    usable = [item for item, use in zip(corpus.items, corpus.usable().tolist(), strict=True) if use]
    if not any(item.data_split for item in usable):
        usable = list(divide.divide(corpus, seed=seed).items)
    return {item.image_id: item.data_split for item in usable}


def _selected(corpus: Corpus, splits: Splits) -> Selection:
    """The photos of each split, after a look whether splits are apart.

    Raises:
        Refuse: they are not.
    """
    found: dict[Split, list[TrainingPhoto]] = {name: [] for name in SPLITS}
    home: dict[int, Split] = {}
    named: list[Split | None] = []
    rows = zip(corpus.items, corpus.cluster.tolist(), corpus.usable().tolist(), strict=True)
    for item, cluster, usable in rows:
        split = splits.get(item.image_id) if usable else None
        named.append(split)
        if split is None or item.continent_label is None:
            continue
        if home.setdefault(cluster, split) != split:
            raise Refuse(
                "photos of one group, or one picture twice, are in two splits: pangaea data validate says"
                " which, pangaea data split mends it."
            )
        found[split].append(
            TrainingPhoto(
                path=corpus.folder / item.image_id,
                label=SLUGS.index(item.continent_label),
                group=item.group,
                source=item.source or NOWHERE,
            )
        )
    train, validation, test = (tuple(found[name]) for name in SPLITS)
    return Selection(
        train=train,
        validation=validation,
        test=test,
        items=tuple(corpus.with_splits(named)),
        left_out=len(corpus.rows) - sum(map(len, found.values())),
    )


def _without_examples(corpus: Corpus) -> Corpus:
    """The data set without what shares a group or a picture with the examples.

    Raises:
        Refuse: nothing is left of it.
    """
    groups = held_out_groups()
    held = np.array([item.group in groups for item in corpus.items], dtype=bool)
    kept = ~np.isin(corpus.cluster, corpus.cluster[held])
    if held.any() and not kept.any():
        raise Refuse("these are the example photos, which judge every model: train on others.")
    place = np.cumsum(kept) - 1
    return replace(
        corpus,
        seen=tuple(one for one, keep in zip(corpus.seen, kept.tolist(), strict=True) if keep),
        near=place[corpus.near[kept[corpus.near].all(axis=1)]],
        cluster=corpus.cluster[kept],
    )
