"""A data set divided into splits, and what became of the shares that it aimed at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data import domains
from training.data.corpus import Corpus
from training.data.item import SPLITS, SYNTHETIC_SHARE, Item, Split
from training.data.split import SHARES, Shares, deal, unserved
from worker.errors import Refuse
from worker.record import SLUGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One split: its photos, their share of all that are used, its clusters, its photos by continent."""

    photos: int
    share: float
    clusters: int
    continents: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A continent that a split has no photo of, and how many clusters the continent has in all."""

    split: Split
    continent: str
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Where every photo of a data set went.

    `items` are all records, with their splits; `left_out` counts those without one, by why.
    """

    items: tuple[Item, ...]
    parts: dict[Split, Part]
    lacks: tuple[Lack, ...]
    left_out: dict[str, int]
    seed: int

    def document(self) -> dict[str, Any]:
        """The figures in JSON's types; of single photos nothing."""
        return {
            "photos": len(self.items),
            "used": sum(part.photos for part in self.parts.values()),
            "target": dict(zip(SPLITS, SHARES, strict=True)),
            "splits": {name: asdict(part) for name, part in self.parts.items()},
            "lacks": [asdict(lack) for lack in self.lacks],
            "left_out": self.left_out,
            "seed": self.seed,
        }


def divide(corpus: Corpus, *, seed: int = 0) -> Division:
    """Divide a data set 70/15/15, no group and no near-duplicate across splits.

    Raises:
        Refuse: no photo can be used, or more of them are synthetic than may be.
    """
    used, label, cluster, synthetic = _dealt(corpus)
    dealt = deal(label, cluster, synthetic, Shares(), seed=seed)
    splits: list[Split | None] = [None] * len(corpus.seen)
    for place, one in zip(used.tolist(), dealt.tolist(), strict=True):
        splits[place] = SPLITS[one]
    return Division(
        items=tuple(corpus.with_splits(splits)),
        parts={name: _part(dealt == one, label, cluster) for one, name in enumerate(SPLITS)},
        lacks=tuple(
            Lack(split=SPLITS[which], continent=SLUGS[one], clusters=clusters)
            for which, one, clusters in unserved(label, cluster, dealt, len(SPLITS))
        ),
        left_out=dict(_left_out(corpus)),
        seed=seed,
    )


def by_source(corpus: Corpus, *, seed: int = 0) -> Iterator[tuple[str, list[tuple[Item, Split | None]]]]:
    """Leave each source out in turn: its name, and every usable photo's record with its split in that fold.

    Raises:
        Refuse: no photo can be used, more of them are synthetic than may be, or there is one source only.
    """
    used, label, cluster, synthetic = _dealt(corpus)
    items = [corpus.items[place] for place in used.tolist()]
    sources = [item.source for item in items]
    if len(set(sources) - {None}) < 2:  # noqa: PLR2004 - one to leave out, one to fit on
        raise Refuse("leaving sources out needs two of them: give the manifest a column source.", exit_code=2)
    for domain in domains.leave_out(sources, label, cluster, synthetic, seed=seed):
        named: list[Split | None] = [None if one < 0 else SPLITS[one] for one in domain.split.tolist()]
        yield domain.source, list(zip(items, named, strict=True))


def _dealt(
    corpus: Corpus,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The usable photos: their places, labels, clusters numbered without gaps, and which are synthetic."""
    used = np.flatnonzero(corpus.usable())
    if not len(used):
        raise Refuse("no photo can be used: run pangaea data validate to see why.")
    synthetic = corpus.synthetic()[used]
    if synthetic.sum() > SYNTHETIC_SHARE * len(used):
        raise Refuse(
            f"{synthetic.mean():.0%} of the photos are synthetic, and {SYNTHETIC_SHARE:.0%} may be:"
            " remove some."
        )
    _, cluster = np.unique(corpus.cluster[used], return_inverse=True)
    return used, corpus.labels()[used], cluster.astype(np.int64), synthetic


def _part(rows: npt.NDArray[np.bool_], label: npt.NDArray[np.int64], cluster: npt.NDArray[np.int64]) -> Part:
    counts = np.bincount(label[rows], minlength=len(SLUGS))
    return Part(
        photos=int(rows.sum()),
        share=float(rows.mean()),
        clusters=len(np.unique(cluster[rows])),
        continents=dict(zip(SLUGS, counts.tolist(), strict=True)),
    )


def _left_out(corpus: Corpus) -> Counter[str]:
    """How many rows have no split, by the first reason that holds."""
    why = Counter({"invalid": len(corpus.rows) - len(corpus.seen)})
    for one, usable in zip(corpus.seen, corpus.usable().tolist(), strict=True):
        if usable:
            continue
        if one.look.rejected is not None:
            why[one.look.rejected] += 1
        else:
            why["no_label" if one.item.continent_label is None else "sensitive"] += 1
    return +why
