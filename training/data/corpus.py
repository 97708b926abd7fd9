"""A data set after every photo was looked into: rows, records, looks, and what is the same picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from local.install import Meter
from training.data import manifest, perceptual, photo
from training.data.clusters import Clusters, clusters
from training.data.item import Item, Split
from training.data.perceptual import VARIANTS, WORDS
from training.data.photo import Seen
from worker.record import SLUGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The photos of one manifest.

    `rows` are all of it, `seen` the valid ones in its order, `folder` is where photos lie. `near` and
    `cluster` refer to `seen` by index: near-duplicates int64 (pairs, 2), what must stay together int64 (n,).
    """

    folder: Path
    rows: tuple[manifest.Row, ...]
    seen: tuple[Seen, ...]
    near: npt.NDArray[np.int64]
    cluster: Clusters

    @property
    def items(self) -> list[Item]:
        """The records of the valid rows."""
        return [one.item for one in self.seen]

    def usable(self) -> npt.NDArray[np.bool_]:
        """The photos that can be used: labelled, readable, not known to be sensitive; bool (n,)."""
        return np.array(
            [
                one.item.continent_label is not None and one.look.rejected is None and not one.item.sensitive
                for one in self.seen
            ],
            dtype=bool,
        )

    def labels(self) -> npt.NDArray[np.int64]:
        """The continents as indices of SLUGS, −1 where there is none; int64 (n,)."""
        found = [one.continent_label for one in self.items]
        return np.array([-1 if slug is None else SLUGS.index(slug) for slug in found], dtype=np.int64)

    def synthetic(self) -> npt.NDArray[np.bool_]:
        """The photos that were never taken; bool (n,)."""
        return np.array([item.synthetic for item in self.items], dtype=bool)

    def with_splits(self, splits: list[Split | None]) -> list[Item]:
        """The records with these splits."""
        return [replace(item, data_split=one) for item, one in zip(self.items, splits, strict=True)]


def study(path: Path, *, photos: Path | None, meter: Meter) -> Corpus:
    """Read a manifest and look into each of its photos.

    Raises:
        Refuse: the manifest cannot be read.
    """
    listed = manifest.read(path, photos=photos)
    seen = photo.see(listed, progress=lambda done, total: meter("photos", done, total))
    hashed = [(place, one.look.hash) for place, one in enumerate(seen) if one.look.hash is not None]
    hashes = np.array([each for _, each in hashed], dtype=np.uint64).reshape(-1, VARIANTS, WORDS)
    pairs = perceptual.near(hashes, progress=lambda done, total: meter("pairs", done, total))
    near = np.array([place for place, _ in hashed], dtype=np.int64)[pairs]
    return Corpus(
        folder=listed.folder,
        rows=listed.rows,
        seen=seen,
        near=near,
        cluster=clusters([one.item.group for one in seen], near),
    )
