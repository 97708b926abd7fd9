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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.progress import shown
from training import card, embeddings, evaluate, heads
from training.embeddings import Embeddings
from training.engines import openvino_engine, quantised
from training.engines.openvino_engine import CROP
from training.engines.tensors import tensors
from training.evaluation import carried
from training.fusion import fit, graph, serving
from training.places import EMBEDDINGS, MODELS
from worker.errors import Refuse
from worker.prepare.decode import Target

Recipe = heads.Recipe


def train(
    models: Path,
    photos: Embeddings,
    recipe: Recipe | None = None,
    mixing: fit.Recipe | None = None,
    *,
    folds: evaluate.Folds | None = None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Fit heads and fusion on `photos`, write `fusion` and the cards below `models`, return the card.

    Args:
        models: the folder of source models.
        photos: with their embeddings.
        recipe: of the heads.
        mixing: of the fusion, with as many members as there are heads.
        folds: heads without each source in turn, if they are fitted already.
        tell: is told what is being done, how much is done and of how much.
    """
    recipe = recipe or Recipe()
    folds = folds or evaluate.leave_sources_out(photos, recipe)
    fused = serving.fit(photos, folds, recipe=mixing)
    made = graph.write(heads.fit(photos, recipe), fused.model, temperature=fused.temperature)
    path = models / "fusion" / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made)
    model = card.Model(folder=models, photos=photos, recipe=recipe)
    standing = serving.standing(photos, folds, recipe=mixing, tell=tell)
    written = card.compose(model, folds, parities(model), fused.document() | standing)
    card.write(written, models / "continent" / "card.json")
    card.write(fusion_card(written), models / "fusion" / "card.json")
    return written


def fusion_card(whole: dict[str, Any]) -> dict[str, Any]:
    """The card of `fusion`: what it is and how it was fitted, from that of `continent`."""
    return {
        "schema": "pangaea.heads.v1",
        "heads": whole["heads"],
        "labels": whole["labels"],
        "inputs": ["embedding", "evidence"],
        "outputs": ["stage1_logits", "stage2_logits", "gates"],
        "sha256": whole["sources"]["fusion"]["sha256"],
        "training": whole["training"],
        "fusion": whole["fusion"],
    }


def parities(model: card.Model) -> dict[str, Any]:
    """By precision, how close the backbone's engine is to its source on the golden photos, here."""
    onnx = {name: model.onnx(name) for name in ("efficientnet", "fusion")}
    smaller = _quantised(model.folder, onnx["efficientnet"])
    return {
        precision: openvino_engine.parity(
            onnx,
            "efficientnet",
            model.golden,
            precision=precision,
            served=smaller if precision == "int8" else None,
        )
        for precision in model.photos.served()
    }


def _quantised(models: Path, backbone: bytes) -> bytes | None:
    """The backbone in 8-bit integers, if there is one."""
    there = (models / "efficientnet" / "1" / quantised.FILE).is_file()
    return quantised.read(models, backbone) if there else None


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
        smaller = _quantised(models, backbone)
        found = embeddings.compute(options.photos, backbone, Target(size, CROP), quantised=smaller)
        embeddings.save(found, stored)
        said = carried.compute(options.photos, found)
        carried.save(said, found, carried.COMMITTED if own else models / carried.FILE)
    with shown() as meter:
        written = train(models, embeddings.load(stored), tell=meter)
    scores, top1 = written["scores"], written["scores"]["over_sources"]["top1"]
    sys.stdout.write(
        f"{models}: {scores['n']} photos, top-1 on unseen sources {top1['value']:.3f}"
        f" ({top1['low']:.3f}–{top1['high']:.3f}), see pangaea models card\n"
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
