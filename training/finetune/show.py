"""What the commands say and write: figures in JSON, and the same in lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.finetune.recipes import CROP, RECIPES
from training.finetune.thawing import thaws
from worker.errors import Refuse


def write(document: dict[str, Any], path: Path) -> None:
    """Write figures as JSON.

    Raises:
        Refuse: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as exc:
        raise Refuse(f"{path} cannot be written: {exc.strerror}.", exit_code=2) from exc


def recipes(*, thaw_every: int) -> dict[str, Any]:
    """Every recipe in JSON's types."""
    return {
        name: {
            "architecture": one.architecture,
            "size": one.size,
            "crop": CROP,
            "mean": list(one.mean),
            "std": list(one.std),
            "embedding": one.width,
            "weights": "brought by a package" if one.bundled else "given by --weights",
            "thaws": [
                {"epoch": thaw.epoch, "stage": thaw.stage.name}
                for thaw in thaws(one.stages, every=thaw_every)
            ],
        }
        for name, one in RECIPES.items()
    }


def recipe_lines(document: dict[str, Any]) -> Iterator[str]:
    """The recipes, a line each, with their stages."""
    for name, one in document.items():
        sizes = f"{one['size']} px → {one['embedding']}"
        yield f"{name}: {one['architecture']}, {sizes}, weights {one['weights']}"
        yield "  " + "; ".join(f"epoch {thaw['epoch']} {thaw['stage']}" for thaw in one["thaws"])


def run_lines(document: dict[str, Any]) -> Iterator[str]:
    """A run: its epochs, which one was kept, and what the test says of it."""
    for epoch in document["epochs"]:
        loss = "frozen backbone" if epoch["loss"] is None else f"loss {epoch['loss']:.3f}"
        kept = ", kept" if epoch["number"] == document["kept_epoch"] else ""
        yield (
            f"epoch {epoch['number']}: {loss}, validation accuracy {epoch['accuracy']:.3f}, NLL"
            f" {epoch['nll']:.3f}, ECE {epoch['ece']:.3f}{kept}"
        )
    test = document["test"]
    if test is None:
        yield "no photo is left to judge on: nothing is known of unseen photos"
    else:
        yield f"test: {test['n']} photos, top-1 {interval(test['top1'])}, NLL {interval(test['nll'])}"


def compare_lines(document: dict[str, Any]) -> Iterator[str]:
    """A comparison: each score of both, and the difference."""
    kept = ", ".join(map(str, document["kept_epochs"]))
    yield (
        f"{document['n']} photos of {document['sources']} sources, left out in {document['blocks']} blocks;"
        f" epochs kept: {kept}"
    )
    for name, gap in document["tuned_minus_frozen"].items():
        both = ", ".join(f"{which} {document[which][name]['value']:.3f}" for which in ("frozen", "tuned"))
        yield f"{name}: {both}, difference {interval(gap)}: {gap['verdict']}"


def interval(one: dict[str, Any]) -> str:
    """A figure in words.

    >>> interval({"value": 0.5, "low": 0.4, "high": 0.6})
    '0.500 (0.400 to 0.600)'
    """
    if one["value"] is None:
        return "not known"
    if one["low"] is None:
        return f"{one['value']:.3f} (too few for an interval)"
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
