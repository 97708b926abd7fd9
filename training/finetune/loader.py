"""From files to batches: a photo as its epoch sees it, whatever the number of processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from training.dataset import TrainingPhoto
from training.finetune.augment import Augmentation, augmented
from training.finetune.recipes import CROP
from worker.errors import Refuse, Reject
from worker.prepare.decode import Target
from worker.record import Pixels

Key = tuple[int, int]
"""An epoch and the number of a photo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """Photos by (epoch, number): uint8 (size, size, 3) and the label.

    What befalls a photo is drawn from the seed, the epoch and its number alone, so that neither the order nor
    the number of processes matters. Without an augmentation it is exactly what the worker would see.
    """

    photos: Sequence[TrainingPhoto]
    size: int
    augmentation: Augmentation | None
    seed: int

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: Key) -> tuple[Pixels, int]:
        epoch, number = key
        photo, target = self.photos[number], Target(size=self.size, crop=CROP)
        try:
            if self.augmentation is None:
                return photo.pixels(target), photo.label
            canvas = photo.pixels(Target(size=target.resized, crop=1.0))
        except (OSError, Reject):
            # `from None`: the cause names the file.
            raise Refuse("a photo cannot be read any more: leave the folder alone meanwhile.") from None
        rng = np.random.default_rng((self.seed, epoch, number))
        return augmented(canvas, self.size, self.augmentation, rng), photo.label


class Order:
    """The batches of an epoch, as keys: shuffled by seed and epoch, or in order.

    `epoch` is set before each. A shuffled epoch leaves out what does not fill a batch, if it has a full one:
    batch norms would learn the statistics of too few photos. In another epoch those are others.
    """

    def __init__(self, count: int, batch: int, *, seed: int | None) -> None:
        self.epoch = 0
        self._count, self._batch, self._seed = count, batch, seed

    def __len__(self) -> int:
        if self._seed is not None and self._count >= self._batch:
            return self._count // self._batch
        return math.ceil(self._count / self._batch)

    def __iter__(self) -> Iterator[list[Key]]:
        order = np.arange(self._count)
        if self._seed is not None:
            order = np.random.default_rng((self._seed, self.epoch)).permutation(self._count)
        for number in range(len(self)):
            rows = order[number * self._batch : (number + 1) * self._batch]
            yield [(self.epoch, row) for row in rows.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Photos in batches; set `order.epoch`, then go through `loader`."""

    order: Order
    loader: Any


def batches(photos: Photos, *, batch: int, shuffled: bool, workers: int) -> Batches:
    """Batches of uint8 (batch, size, size, 3) and int64 (batch,), by so many processes (0: this one)."""
    order = Order(len(photos), batch, seed=photos.seed if shuffled else None)
    # A generator of its own, so that the loader draws nothing from the one that drops connections.
    generator = torch.Generator().manual_seed(photos.seed)
    loader = DataLoader(
        photos,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=stacked,
        persistent_workers=workers > 0,
        generator=generator,
    )
    return Batches(order=order, loader=loader)


def stacked(items: Sequence[tuple[Pixels, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """One batch of photos and labels."""
    pixels, label = zip(*items, strict=True)
    return torch.from_numpy(np.stack(pixels)), torch.tensor(label, dtype=torch.int64)
