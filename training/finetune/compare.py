"""Fine-tuned or frozen? Both judged on whole sources that they have not seen, photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch

from local.install import Meter
from local.progress import shown
from training.calibration import temperature
from training.dataset import TrainingPhoto
from training.embeddings import Embeddings
from training.evaluation.answers import Answers, Labels, Mask, Matrix
from training.evaluation.resampling import difference, figure
from training.evaluation.scores import SCORES
from training.finetune import judged
from training.finetune.asked import Asked
from training.finetune.fit import epochs, outputs
from training.finetune.model import begin_with
from training.finetune.seeding import reproducible
from training.finetune.selection import Selection, by_blocks, labels
from training.heads import Heads
from training.heads import Recipe as HeadRecipe
from training.heads import fit as fit_heads
from worker.finish.probability import softmax

COMPARED: Final = ("top1", "macro_recall", "nll", "brier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Sources left out: their photos, what each model says of them, and which continents both had seen.

    Logits are (n, heads, 7): of the frozen backbone's heads, and of the fine-tuned model, which is one.
    `kept` is the epoch whose weights were kept, 0 where nothing beat the frozen backbone.
    """

    photos: Sequence[TrainingPhoto]
    frozen: Matrix
    tuned: Matrix
    seen: Mask
    kept: int


def compare(asked: Asked, *, blocks: int) -> dict[str, Any]:
    """Leave whole sources out in turn, in so many blocks, fit both models on the rest, return the figures.

    Raises:
        Refuse: the photos or the weights do not allow it.
    """
    with shown() as meter, reproducible():
        studied = asked.studied(meter)
        found = []
        for number, selection in enumerate(by_blocks(studied, blocks=blocks, seed=asked.plan.seed)):
            meter("blocks of sources", number, blocks)
            found.append(block(asked, selection, meter=meter))
    plan = {"recipe": asked.recipe, "plan": asdict(asked.plan), "torch": torch.__version__}
    return plan | document(found)


def block(asked: Asked, selection: Selection, *, meter: Meter) -> Block:
    """Fit both on what is left, and ask both about what was left out.

    The frozen backbone's heads are fitted on training and validation photos, since they need none to stop by.
    """
    model, work = asked.model(), asked.work(selection)
    everything = (*selection.train, *selection.validation, *selection.test)
    x = outputs(model.embedder, everything, work, meter)
    known = len(selection.train) + len(selection.validation)
    frozen = probe(x[:known], everything[:known])
    begin_with(model, probe(x[: len(selection.train)], selection.train))
    best: dict[str, Any] = {}
    kept = 0
    for step in epochs(model, work, began=None, meter=meter):
        if step.kept:
            kept = step.epoch.number
            best = {name: value.clone() for name, value in step.state["model"].items()}
    model.load_state_dict(best)
    return Block(
        photos=selection.test,
        frozen=frozen.logits(x[known:]),
        tuned=outputs(model, selection.test, work)[:, None],
        seen=np.isin(labels(selection.test), labels(everything[:known])),
        kept=kept,
    )


def probe(x: Matrix, photos: Sequence[TrainingPhoto]) -> Heads:
    """The heads that would ship, fitted on embeddings (n, width) of the frozen backbone."""
    truth = judged.truth(photos)
    given = Embeddings(
        x=x, bf16=None, label=truth.label, group=truth.group, source=truth.source, backbone_sha256=""
    )
    return fit_heads(given, HeadRecipe())


def document(blocks: Sequence[Block]) -> dict[str, Any]:
    """The figures: both models, and the fine-tuned less the frozen, paired, intervals over sources.

    Each block's temperature is fitted on the other blocks, on photos of continents that their model had seen.
    """
    photos = [photo for each in blocks for photo in each.photos]
    fold = np.repeat(np.arange(len(blocks)), [len(each.photos) for each in blocks])
    seen = np.concatenate([each.seen for each in blocks])
    frozen = _calibrated(np.concatenate([each.frozen for each in blocks]), photos, fold, seen)
    tuned = _calibrated(np.concatenate([each.tuned for each in blocks]), photos, fold, seen)
    source = frozen.truth.source
    gaps = {name: difference(SCORES[name], tuned, frozen, source) for name in COMPARED}
    return {
        "n": len(photos),
        "groups": frozen.truth.groups,
        "sources": frozen.truth.sources,
        "blocks": len(blocks),
        "kept_epochs": [each.kept for each in blocks],
        "frozen": _scores(frozen),
        "tuned": _scores(tuned),
        "tuned_minus_frozen": {name: gap.document() | {"verdict": gap.verdict} for name, gap in gaps.items()},
    }


def _calibrated(logits: Matrix, photos: Sequence[TrainingPhoto], fold: Labels, seen: Mask) -> Answers:
    truth = judged.truth(photos)
    p = np.empty((len(truth), logits.shape[-1]))
    for number in np.unique(fold):
        rows, others = fold == number, (fold != number) & seen
        p[rows] = softmax(logits[rows].mean(axis=1) / temperature(logits[others], truth.label[others]))
    return Answers.plain(truth, p)


def _scores(said: Answers) -> dict[str, Any]:
    return {name: figure(SCORES[name], said, said.truth.source).document() for name in (*COMPARED, "ece")}
