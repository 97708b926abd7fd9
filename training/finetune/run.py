"""One run, from a manifest to an ONNX file: `pangaea finetune run`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from local.install import Meter
from local.progress import shown
from training.calibration import temperature
from training.data import manifest
from training.finetune import checkpoint, compare, exported, fit, judged, show, tracking
from training.finetune.asked import Asked
from training.finetune.augment import HELD_OUT, TRAINED_ON
from training.finetune.epoch import Epoch
from training.finetune.model import Classifier, begin_with
from training.finetune.recipes import CROP
from training.finetune.seeding import reproducible
from training.finetune.selection import Selection, select
from training.finetune.thawing import thaws
from worker.errors import Refuse

INTERRUPTED: Final = 130
"""The exit code of what Ctrl-C ended."""

NOTE: Final = (
    "the backbone has seen these photos: heads that are fitted on it and judged on photos of these groups,"
    " whatever source is left out, are not judged on the unseen"
)


def run(asked: Asked, output: Path, *, leave_out: str | None, resume: bool) -> dict[str, Any]:
    """Fine-tune a backbone, judge it, export it, and return the figures, which are in the folder too.

    Args:
        asked: photos, backbone, plan, machine.
        output: the run's folder: split.csv, last.pt, best.pt, events/, models/, summary.json.
        leave_out: the source to judge on; None: a part of every source.
        resume: go on with the run in the folder.

    Raises:
        Refuse: the photos, the weights or the folder do not allow it, or Ctrl-C ended it.
    """
    if not resume and (output / checkpoint.LAST).exists():
        raise Refuse(f"{output} holds a run: go on with --resume, or name another --output DIR.", exit_code=2)
    with shown() as meter, reproducible():
        model = asked.model()
        selection = select(asked.studied(meter), seed=asked.plan.seed, leave_out=leave_out)
        work = asked.work(selection)
        parameters = _parameters(asked, model, selection)
        began = _began(output, parameters) if resume else None
        _folder(output)
        manifest.write(output / "split.csv", selection.items)
        try:
            history = _trained(model, work, output=output, parameters=parameters, began=began, meter=meter)
        except KeyboardInterrupt as exc:
            raise Refuse(_interrupted(output), exit_code=INTERRUPTED) from exc
        model.load_state_dict(checkpoint.load(output / checkpoint.BEST)["model"])
        document = parameters | _results(model, work, selection, history)
        document["export"] = _exported(model, asked, selection, output)
    show.write(document, output / "summary.json")
    return document


def _folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise Refuse(f"{output} cannot be made: {exc.strerror}.", exit_code=2) from exc


def _parameters(asked: Asked, model: Classifier, selection: Selection) -> dict[str, Any]:
    """All that a run was told, in JSON's types; of single photos and files only a hash."""
    recipe, plan = asked.chosen(), asked.plan
    found: dict[str, Any] = {
        "recipe": asked.recipe,
        "architecture": recipe.architecture,
        "weights_sha256": _hash_of(model),
        "preprocessing": {"size": recipe.size, "crop": CROP, "mean": recipe.mean, "std": recipe.std},
        "plan": asdict(plan),
        "thaws": [
            {"epoch": thaw.epoch, "stage": thaw.stage.name}
            for thaw in thaws(recipe.stages, every=plan.thaw_every, depth=plan.depth)
        ],
        "corruptions": {"trained_on": dict(TRAINED_ON), "held_out": HELD_OUT},
        "photos": selection.document() | {"sha256": _photos_hash(selection)},
        "torch": torch.__version__,
    }
    # Tuples become lists, as they will be when they are read again.
    as_json: dict[str, Any] = json.loads(json.dumps(found))
    return as_json


def _hash_of(model: Classifier) -> str:
    """One hash of all weights of a backbone."""
    found = hashlib.sha256()
    for name, value in sorted(model.embedder.network.state_dict().items()):
        found.update(name.encode())
        found.update(value.numpy().tobytes())
    return found.hexdigest()


def _photos_hash(selection: Selection) -> str:
    """One hash of which photo is where."""
    lines = sorted(f"{item.image_id}\0{item.continent_label}\0{item.data_split}" for item in selection.items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _began(output: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """The state of the run that is gone on with.

    Raises:
        Refuse: there is none, or it was another run.
    """
    found = checkpoint.load(output / checkpoint.LAST)
    before = json.loads(found["parameters"])
    other = sorted(name for name in parameters if parameters[name] != before.get(name))
    if other:
        raise Refuse(
            f"{output} holds a run of another {', '.join(other)}: ask for the same again, or begin anew in"
            " another --output DIR.",
            exit_code=2,
        )
    return found


def _trained(
    model: Classifier,
    work: fit.Work,
    *,
    output: Path,
    parameters: dict[str, Any],
    began: dict[str, Any] | None,
    meter: Meter,
) -> list[Epoch]:
    """Train to the end, keeping every epoch; all epochs of the run, those before it was broken too."""
    history = fit.past(began) if began else []
    if not began:
        begin_with(model, compare.probe(fit.outputs(model.embedder, work.train, work, meter), work.train))
    with tracking.tracked(output / "events", parameters, first=len(history)) as report:
        for step in fit.epochs(model, work, began=began, meter=meter):
            # The best before the last: a run that is broken in between does the last epoch again.
            if step.kept:
                checkpoint.save({"model": step.state["model"]}, output / checkpoint.BEST)
            checkpoint.save(step.state | {"parameters": json.dumps(parameters)}, output / checkpoint.LAST)
            report(step.epoch)
            history.append(step.epoch)
    return history


def _interrupted(output: Path) -> str:
    if (output / checkpoint.LAST).exists():
        return f"interrupted: {output} holds every epoch that was finished, go on with --resume."
    return "interrupted before the first epoch was finished: begin anew."


def _results(
    model: Classifier, work: fit.Work, selection: Selection, history: Sequence[Epoch]
) -> dict[str, Any]:
    """The epochs, the one kept, and the scores; those of the test are at validation's temperature."""
    kept = history[0]
    for epoch in history[1:]:
        kept = epoch if epoch.score.beats(kept.score) else kept
    validation = fit.outputs(model, selection.validation, work)
    found = temperature(validation[:, None], judged.truth(selection.validation).label)
    results: dict[str, Any] = {
        "epochs": [epoch.document() for epoch in history],
        "kept_epoch": kept.number,
        "stopped_early": history[-1].number < work.plan.epochs,
        "temperature": found,
        "validation": judged.scores(judged.answers(validation, selection.validation)),
        "test": None,
    }
    if selection.test:
        logits = fit.outputs(model, selection.test, work)
        results["test"] = judged.scores(judged.answers(logits, selection.test, found))
    return results


def _exported(model: Classifier, asked: Asked, selection: Selection, output: Path) -> dict[str, Any]:
    trained = (*selection.train, *selection.validation)
    card = exported.write(
        model.embedder,
        asked.chosen(),
        output / "models",
        photos=(*selection.validation, *selection.test),
        weights=f"fine-tuned by pangaea finetune run, recipe {asked.recipe}",
        training={
            "photos": len(trained),
            "groups": len({photo.group for photo in trained}),
            "sources": len({photo.source for photo in trained}),
            "corruptions": dict(TRAINED_ON),
            "note": NOTE,
        },
    )
    return {"sha256": card["sha256"], "bytes": card["bytes"], **card["export"]}
