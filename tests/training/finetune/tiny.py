"""A backbone so small that training it takes no time, and photos to train it on."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import nn

from tests.training.data import made
from training.data import corpus
from training.finetune.asked import Asked
from training.finetune.augment import Augmentation
from training.finetune.fit import Work
from training.finetune.plan import Plan
from training.finetune.recipes import Recipe, Stage
from training.finetune.selection import Selection, select
from training.places import EXAMPLES
from worker.record import DISPLAY_NAMES, SLUGS

SIDE, WIDTH = 32, 12
PLAN = Plan(epochs=2, batch=8, learning_rate=1e-3, augmentation=Augmentation(corrupted=0.5))


class Tiny(nn.Module):  # type: ignore[misc,unused-ignore] # torch is no part of every environment
    """Two convolutions with batch norms, some chance, and a classifier of ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Sequential(nn.Conv2d(3, 8, 5, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        norm = nn.BatchNorm2d(WIDTH)
        self.high = nn.Sequential(nn.Conv2d(8, WIDTH, 3, 2, bias=False), norm, nn.ReLU(), nn.Dropout(0.1))
        self.fc = nn.Linear(WIDTH, 10)

    def maps(self, photos: torch.Tensor) -> torch.Tensor:
        """Feature maps (batch, WIDTH, 3, 3)."""
        return self.high(self.low(photos))


RECIPE = Recipe(
    architecture="two convolutions",
    size=SIDE,
    width=WIDTH,
    mean=(127.0, 127.0, 127.0),
    std=(64.0, 64.0, 64.0),
    classifier="fc",
    stages=(Stage(name="high", prefixes=("high.",)), Stage(name="low", prefixes=("low.",))),
    network=Tiny,
    features=lambda network: network.maps,
)


def weights(path: Path) -> Path:
    """A file of its weights, always the same."""
    torch.manual_seed(7)
    torch.save(Tiny().state_dict(), path)
    return path


def examples(folder: Path) -> Path:
    """A manifest of the example photos under groups that are not held out; the photos stay where they are."""
    rows = list(csv.DictReader((EXAMPLES / "manifest.csv").read_text(encoding="utf-8").splitlines()))
    return made.manifest(folder, [row | {"group": f"test-{row['group']}"} for row in rows])


def photos(folder: Path, *, each: int = 4, sources: int = 4) -> Path:
    """A manifest and its photos: so many of every continent, every source with some of each, one a group."""
    rows = [
        made.row(
            f"{number}.jpg",
            DISPLAY_NAMES[SLUGS[number % 7]],
            group=f"g{number}",
            source_repo=f"someone/s{number // 7 % sources}",
        )
        for number in range(7 * each)
    ]
    return made.dataset(folder, rows)


def asked(manifest: Path, file: Path, plan: Plan = PLAN, *, images: Path | None = None) -> Asked:
    """The tiny recipe, asked for by its name among the recipes."""
    return Asked(
        manifest=manifest, photos=images, recipe="tiny", weights=file, plan=plan, device="cpu", workers=0
    )


def selected(folder: Path, *, each: int = 4) -> Selection:
    """Photos of every continent, divided."""
    studied = corpus.study(photos(folder, each=each), photos=None, meter=lambda *_: None)
    return select(studied, seed=1)


def work(selection: Selection, plan: Plan = PLAN) -> Work:
    """The tiny recipe on these photos."""
    return Work(recipe=RECIPE, plan=plan, train=selection.train, validation=selection.validation)
