"""The loop: epoch after epoch of one backbone on one selection of photos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from local.install import Meter, silent
from training.dataset import TrainingPhoto
from training.evaluation.answers import Answers, Matrix
from training.finetune import judged
from training.finetune.epoch import Epoch
from training.finetune.freezing import freeze_all_but
from training.finetune.loader import Batches, Photos, batches
from training.finetune.losses import class_weights, loss
from training.finetune.model import Classifier
from training.finetune.optimiser import optimiser, schedule
from training.finetune.plan import Plan
from training.finetune.recipes import Recipe
from training.finetune.seeding import seed
from training.finetune.selection import counts
from training.finetune.stopping import Score, Stopping
from training.finetune.thawing import thawed, thaws
from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is trained on what, how, where: `device` is torch's name, `workers` prepare photos (0: none)."""

    recipe: Recipe
    plan: Plan
    train: Sequence[TrainingPhoto] = field(repr=False)
    validation: Sequence[TrainingPhoto] = field(repr=False)
    device: str = "cpu"
    workers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """After an epoch: its figures, what was kept so far, and all that the next epoch needs.

    `state` holds tensors that the next epoch changes: use it before that.
    """

    epoch: Epoch
    stopping: Stopping
    state: dict[str, Any] = field(repr=False)

    @property
    def kept(self) -> bool:
        """Whether this epoch is the best so far."""
        return self.stopping.kept == self.epoch.number


def epochs(model: Classifier, work: Work, *, began: dict[str, Any] | None, meter: Meter) -> Iterator[Step]:
    """Train, and yield after each epoch; the first, number 0, has trained nothing.

    Args:
        model: the backbone; it is changed.
        work: what, how, where.
        began: the state of the last epoch of a broken run; None to begin.
        meter: told how far an epoch is.

    Raises:
        Refuse: the loss is no number any more.
    """
    plan, device = work.plan, work.device
    model.to(device)
    training = batches(
        _photos(work, work.train, augmented=True), batch=plan.batch, shuffled=True, workers=work.workers
    )
    checking = batches(
        _photos(work, work.validation, augmented=False),
        batch=plan.batch,
        shuffled=False,
        workers=work.workers,
    )
    steps = optimiser(model, plan, work.recipe.undecayed)
    rate = schedule(steps, plan, len(training.loader))
    when = thaws(work.recipe.stages, every=plan.thaw_every, depth=plan.depth)
    weight = class_weights(counts(work.train)).to(device)
    history: list[Epoch] = []

    def after(epoch: Epoch, stopping: Stopping) -> Step:
        history.append(epoch)
        state = {
            "model": model.state_dict(),
            "optimiser": steps.state_dict(),
            "schedule": rate.state_dict(),
            "stopping": asdict(stopping),
            "history": [asdict(each) for each in history],
        }
        return Step(epoch=epoch, stopping=stopping, state=state)

    if began is None:
        first = judged.epoch(0, _said(model, work, checking), loss=None, learning_rate=None, thawed=())
        stopping = Stopping.begin(first.score, patience=plan.patience, not_before=when[-1].epoch)
        yield after(first, stopping)
    else:
        model.load_state_dict(began["model"])
        steps.load_state_dict(began["optimiser"])
        rate.load_state_dict(began["schedule"])
        stopping = Stopping(**began["stopping"] | {"best": Score(**began["stopping"]["best"])})
        history += past(began)
    for number in range(stopping.epoch + 1, plan.epochs + 1):
        if stopping.stop:
            return
        warm = thawed(when, number)
        seed(plan.seed, number)
        freeze_all_but(model, warm)
        training.order.epoch = number
        mean = _train(
            model, training, _Descent(steps, rate, weight, plan, device), _shown(meter, number, plan)
        )
        epoch = judged.epoch(
            number,
            _said(model, work, checking),
            loss=mean,
            learning_rate=float(rate.get_last_lr()[0]),
            thawed=tuple(stage.name for stage in warm),
        )
        stopping = stopping.after(epoch.score)
        yield after(epoch, stopping)


def past(state: dict[str, Any]) -> list[Epoch]:
    """The epochs that a state has behind it."""
    return [Epoch(**each | {"thawed": tuple(each["thawed"])}) for each in state["history"]]


def outputs(module: nn.Module, photos: Sequence[TrainingPhoto], work: Work, meter: Meter = silent) -> Matrix:
    """What a module says of photos as the worker would see them, float64 (n, …)."""
    found = batches(
        _photos(work, photos, augmented=False), batch=work.plan.batch, shuffled=False, workers=work.workers
    )
    return _outputs(module, found, work.device, meter)


def _photos(work: Work, photos: Sequence[TrainingPhoto], *, augmented: bool) -> Photos:
    return Photos(
        photos=photos,
        size=work.recipe.size,
        augmentation=work.plan.augmentation if augmented else None,
        seed=work.plan.seed,
    )


def _said(model: Classifier, work: Work, checking: Batches) -> Answers:
    return judged.answers(_outputs(model, checking, work.device), work.validation)


def _outputs(module: nn.Module, photos: Batches, device: str, meter: Meter = silent) -> Matrix:
    module.to(device).eval()
    parts = []
    with torch.inference_mode():
        for pixels, _ in photos.loader:
            parts.append(module(pixels.to(device)).cpu().numpy())
            meter("through the backbone", len(parts), len(photos.loader))
    return np.concatenate(parts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Descent:
    """One step down the gradient of a batch."""

    optimiser: Any
    schedule: Any
    weight: torch.Tensor
    plan: Plan
    device: str

    def __call__(self, model: Classifier, pixels: torch.Tensor, label: torch.Tensor) -> float:
        logits = model(pixels.to(self.device))
        value = loss(logits, label.to(self.device), self.weight, gamma=self.plan.gamma)
        self.optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), self.plan.clip)
        self.optimiser.step()
        self.schedule.step()
        return float(value.detach())


def _train(model: Classifier, training: Batches, step: _Descent, shown: Callable[[int, int], None]) -> float:
    """Train one epoch; the mean loss of its batches."""
    total = len(training.loader)
    values = []
    shown(0, total)
    for done, (pixels, label) in enumerate(training.loader, start=1):
        values.append(step(model, pixels, label))
        if not math.isfinite(values[-1]):
            raise Refuse("the loss is no number any more: lower --learning-rate, or thaw fewer stages.")
        shown(done, total)
    return float(np.mean(values))


def _shown(meter: Meter, number: int, plan: Plan) -> Callable[[int, int], None]:
    return lambda done, total: meter(f"training: epoch {number} of {plan.epochs}", done, total)
