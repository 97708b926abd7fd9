"""Fit heads, fusion and calibration: `python -m training.train [--photos DIR] [--models DIR]`.

Without arguments it refits from the committed embeddings and writes `triton_models/` anew: the same files,
within rounding. With `--photos` the embeddings are computed anew. Another backbone goes to a folder of its
own (`--models`), which `pangaea models build --models DIR` turns into engines and whose
`continent/card.json` the worker reads (PANGAEA_CARD).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from training import card, embeddings, evaluate, fusion, heads
from training.embeddings import Embeddings
from training.engines import openvino_engine
from training.engines.openvino_engine import CROP
from training.engines.tensors import tensors
from training.places import EMBEDDINGS, MODELS
from worker.errors import Refuse
from worker.prepare.decode import Target

Recipe = heads.Recipe


def train(
    models: Path, photos: Embeddings, recipe: Recipe | None = None, *, folds: evaluate.Folds | None = None
) -> dict[str, Any]:
    """Fit heads on `photos`, write `fusion` and the cards below `models`, return the card of `continent`."""
    recipe = recipe or Recipe()
    made = fusion.write(heads.fit(photos, recipe))
    path = models / "fusion" / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made)
    model = card.Model(folder=models, photos=photos, recipe=recipe)
    written = card.compose(model, folds or evaluate.leave_sources_out(photos, recipe), parities(model))
    card.write(written, models / "continent" / "card.json")
    card.write(fusion_card(written), models / "fusion" / "card.json")
    return written


def fusion_card(whole: dict[str, Any]) -> dict[str, Any]:
    """The card of `fusion`: what it is and how it was fitted, from that of `continent`."""
    return {
        "schema": "pangaea.heads.v1",
        "heads": whole["heads"],
        "labels": whole["labels"],
        "input": "embedding",
        "output": "stage1_logits",
        "sha256": whole["sources"]["fusion"]["sha256"],
        "training": whole["training"],
    }


def parities(model: card.Model) -> dict[str, Any]:
    """By precision, how close the backbone's engine is to its source on the golden photos, here."""
    onnx = {name: model.onnx(name) for name in ("efficientnet", "fusion")}
    return {
        precision: openvino_engine.parity(onnx, "efficientnet", model.golden, precision=precision)
        for precision in model.photos.served()
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos with manifest.csv: embed them anew")
    parser.add_argument("--backbone-onnx", type=Path, help="another backbone, made by training.export")
    parser.add_argument("--models", type=Path, default=MODELS, help="the folder of source models to write")
    options = parser.parse_args(arguments)
    models: Path = options.models
    own = models.resolve() == MODELS
    if own and options.backbone_onnx:
        raise Refuse("another backbone needs a folder of its own: name one with --models DIR.", exit_code=2)
    if not own:
        _prepare(models, options.backbone_onnx)
    stored = EMBEDDINGS if own else models / "embeddings.npz"
    if options.photos:
        backbone = (models / "efficientnet" / "1" / "model.onnx").read_bytes()
        size = tensors(backbone, name="efficientnet").input_dims[0]
        embeddings.save(embeddings.compute(options.photos, backbone, Target(size, CROP)), stored)
    written = train(models, embeddings.load(stored))
    scores = written["scores"]
    sys.stdout.write(
        f"{models}: {scores['n']} photos, accuracy on unseen sources {scores['accuracy']['value']:.3f}"
        f" ({scores['accuracy']['low']:.3f}–{scores['accuracy']['high']:.3f}), see pangaea models card\n"
    )


def _prepare(models: Path, backbone: Path | None) -> None:
    """Lay out a folder of source models around a backbone; golden photos are the project's own."""
    place = models / "efficientnet" / "1" / "model.onnx"
    if backbone:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(backbone, place)
    if not place.is_file():
        raise Refuse(f"{models} has no backbone: give one with --backbone-onnx FILE.", exit_code=2)
    shutil.copytree(MODELS / "continent" / "golden", models / "continent" / "golden", dirs_exist_ok=True)


if __name__ == "__main__":
    try:
        main()
    except Refuse as refusal:
        sys.exit(f"training.train: {refusal}")
