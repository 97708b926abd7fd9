"""What a command was asked for, made into what is trained, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from local.install import Meter
from training.data import corpus
from training.data.corpus import Corpus
from training.finetune.fit import Work
from training.finetune.model import Classifier, build
from training.finetune.plan import Plan
from training.finetune.recipes import RECIPES, Recipe
from training.finetune.selection import Selection
from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Photos, a backbone, a plan and a machine.

    `photos` is the folder of the photos where that is not the manifest's, `weights` a state dict where no
    package brings one, `device` a name that torch knows, or auto, `workers` how many processes prepare
    photos.
    """

    manifest: Path
    photos: Path | None
    recipe: str
    weights: Path | None
    plan: Plan
    device: str
    workers: int

    def chosen(self) -> Recipe:
        """The recipe that is named.

        Raises:
            Refuse: there is none of that name.
        """
        if self.recipe not in RECIPES:
            raise Refuse(f"there is no recipe {self.recipe}: take one of {', '.join(RECIPES)}.", exit_code=2)
        return RECIPES[self.recipe]

    def studied(self, meter: Meter) -> Corpus:
        """The data set, every photo of it looked into.

        Raises:
            Refuse: the manifest cannot be read.
        """
        return corpus.study(self.manifest, photos=self.photos, meter=meter)

    def model(self) -> Classifier:
        """The backbone with its weights.

        Raises:
            Refuse: there are none, or the file does not hold this backbone's.
        """
        return build(self.chosen(), self.weights)

    def work(self, selection: Selection) -> Work:
        """The work on a selection of photos.

        Raises:
            Refuse: the device is not there.
        """
        return Work(
            recipe=self.chosen(),
            plan=self.plan,
            train=selection.train,
            validation=selection.validation,
            device=settled(self.device),
            workers=self.workers,
        )


def settled(device: str) -> str:
    """The device that is meant: of auto, a GPU where there is one.

    Raises:
        Refuse: there is none of that name.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as exc:
        raise Refuse(f"there is no device {device} here: take --device cpu.", exit_code=2) from exc
    return device
