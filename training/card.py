"""Compose the model card: every number in it is computed here from the embeddings, the heads and the files.

`pangaea models check` composes it again and compares; only what needs the photos or another machine's
processor (the parity of engines) is carried over.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from training import calibration, evaluate
from training.embeddings import Embeddings, Labels, Matrix, Names
from training.engines import quantised
from training.engines.openvino_engine import CROP, golden_pixels
from training.engines.reference import onnx_embeddings, onnx_logits
from training.engines.tensors import tensors
from training.evaluation.carried import known
from training.evaluation.evaluation import for_card, on_unseen_sources
from training.evaluation.nested import learned, linear_heads
from training.evaluation.shipped import joining
from training.heads import Recipe
from worker.finish.probability import posterior
from worker.record import DISPLAY_NAMES, SLUGS

VERSION: Final = "2026.11.1"
GOLDEN_TOLERANCE: Final = 0.05
QUANTISED: Final = f"efficientnet/1/{quantised.FILE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A folder of source models with what its heads were fitted on."""

    folder: Path
    photos: Embeddings
    recipe: Recipe

    def onnx(self, name: str) -> bytes:
        """The ONNX file of one of its models."""
        return (self.folder / name / "1" / "model.onnx").read_bytes()

    @property
    def golden(self) -> tuple[Path, ...]:
        """The photos whose answers the card states."""
        return tuple(sorted((self.folder / "continent" / "golden").glob("*.jpg")))


class Judged(Protocol):
    """Photos with what is known of them, each an array of shape (n,)."""

    @property
    def label(self) -> Labels:
        """Indices of SLUGS."""
        ...

    @property
    def group(self) -> Names:
        """What photos were taken together."""
        ...

    @property
    def source(self) -> Names:
        """Who took or gave them."""
        ...


def compose(
    model: Model, folds: evaluate.Folds, parity: dict[str, Any], fusion: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the card of `continent`.

    Args:
        model: the files and what the heads were fitted on.
        folds: heads without each source in turn.
        parity: by precision, how close that engine is to its source.
        fusion: how fusion was fitted and what its answers are held to; None: it takes no evidence.
    """
    blocks = {
        name: {**calibrate(folds, model.photos, x, student_t(model.recipe.heads)), "parity": parity.get(name)}
        for name, x in model.photos.served().items()
    }
    smaller = model.folder / QUANTISED
    if "int8" in blocks and smaller.is_file():
        blocks["int8"] |= {"file": QUANTISED, "sha256": sha256(smaller.read_bytes())}
    sources = {
        name: {"file": f"{name}/1/model.onnx", "sha256": sha256(model.onnx(name))}
        for name in ("efficientnet", "fusion")
    }
    size = tensors(model.onnx("efficientnet"), name="efficientnet").input_dims[0]
    measured = for_card(
        on_unseen_sources(
            model.photos,
            linear_heads(model.recipe),
            model={},
            meter=lambda *_: None,
            carried=known(model.photos, model.folder),
            joining=joining(model.onnx("fusion")),
        )
    )
    return {
        "schema": "pangaea.card.v1",
        "id": f"continent-{VERSION}",
        "labels": list(SLUGS),
        "display_names": DISPLAY_NAMES,
        "preprocessing": {
            "size": size,
            "crop": CROP,
            "interpolation": "bicubic",
            "color": "RGB",
            "layout": "NHWC",
            "dtype": "uint8",
        },
        "heads": model.recipe.heads,
        "interval": {"method": "bootstrap", "coverage": 0.95, "student_t": student_t(model.recipe.heads)},
        "precisions": blocks,
        "sources": sources,
        "source_sha256": sha256("\n".join(part["sha256"] for part in sources.values()).encode()),
        "golden": golden(model, size, blocks["fp32"]["temperature"]),
        "fusion": fusion,
        "scores": measured,
        "training": training(model),
        "limits": limits(measured, blocks["fp32"], tuned=fine_tuned(model.folder)),
    }


def calibrate(folds: evaluate.Folds, photos: Embeddings, x: Matrix, t: float) -> dict[str, Any]:
    """The calibration block of one precision, from out-of-source logits of its own embeddings `x`.

    Photos of a continent that one source alone shows are left out of it, as in every fold of the scores:
    heads without that source had nothing to learn the continent from, unlike those that are served.
    """
    rows = learned(photos.label, photos.source)
    logits, photos = folds.logits(photos, x)[rows], photos.take(rows)
    fitted = calibration.temperature(logits, photos.label)
    p, lower, _ = posterior(logits, temperature=fitted, student_t=t)
    return {"temperature": fitted, **standard(p, lower, photos)}


def standard(p: Matrix, lower: Matrix, photos: Judged) -> dict[str, Any]:
    """What answers of one kind are held to: conformal quantile and decision threshold.

    Args:
        p: probabilities of unseen sources' photos, shape (n, labels).
        lower: their lower bounds, same shape.
        photos: the same photos' labels, groups and sources.
    """
    called = p.argmax(axis=1)
    low = lower[np.arange(len(called)), called]
    theta, tried = calibration.threshold(low, called != photos.label, photos.group, photos.source)
    chosen = next((one for one in tried if one.theta == theta), min(tried, key=lambda one: one.upper_limit))
    return {
        "conformal": {
            "method": "lac",
            "coverage": calibration.COVERAGE,
            "quantile": calibration.conformal_quantile(p, photos.label),
            "n": len(p),
            # Sets are valid for photos like those they were calibrated on; photos of unseen sources are not.
            "validated": False,
        },
        "threshold": {
            "theta": theta,
            "target": calibration.TARGET_ERROR,
            "confidence": calibration.CONFIDENCE,
            "at": chosen.theta,
            "upper_limit": chosen.upper_limit,
            "n": chosen.n,
            "errors": chosen.errors,
            "groups": chosen.groups,
            "sources": chosen.sources,
            "effective_n": chosen.effective,
            "coverage": chosen.coverage,
            "tried": list(calibration.GRID),
        },
    }


def golden(model: Model, size: int, temperature: float) -> dict[str, Any]:
    """The golden photos and what the source models, in float32, say of them."""
    paths = model.golden
    if not paths:
        return {"tolerance": GOLDEN_TOLERANCE, "photos": []}
    logits = onnx_logits(
        model.onnx("fusion"), onnx_embeddings(model.onnx("efficientnet"), golden_pixels(paths, size))
    )
    p = posterior(logits, temperature=temperature, student_t=student_t(model.recipe.heads)).p
    return {
        "tolerance": GOLDEN_TOLERANCE,
        "photos": [
            {
                "file": f"golden/{path.name}",
                "sha256": sha256(path.read_bytes()),
                "probabilities": {
                    slug: round(float(value), 6) for slug, value in zip(SLUGS, row, strict=True)
                },
            }
            for path, row in zip(paths, p, strict=True)
        ],
    }


def training(model: Model) -> dict[str, Any]:
    """What the heads were fitted on and how."""
    counts = np.bincount(model.photos.label, minlength=len(SLUGS))
    return {
        "photos": len(model.photos),
        "by_continent": dict(zip(SLUGS, map(int, counts), strict=True)),
        "groups": len(np.unique(model.photos.group)),
        "sources": len(np.unique(model.photos.source)),
        "head": "multinomial logistic regression on the frozen, centred embedding",
        "weights": "every continent the same, and within it every source",
        "resampling": "bootstrap over groups",
        "c": model.recipe.c,
        "seed": model.recipe.seed,
        "embeddings_sha256_of_backbone": model.photos.backbone_sha256,
        "held_out": "every group that has a photo in examples/photos",
    }


def fine_tuned(models: Path) -> bool:
    """Whether the backbone of a folder of models was trained on photos, by its own card."""
    own = models / "efficientnet" / "card.json"
    return own.is_file() and "fine_tuning" in json.loads(own.read_bytes())


def limits(measured: dict[str, Any], block: dict[str, Any], *, tuned: bool = False) -> list[str]:
    """What the model cannot do, in sentences, with its own numbers.

    Args:
        measured: the scores.
        block: the calibration of float32.
        tuned: whether the backbone was trained on photos, which leaving sources out does not undo.
    """
    right, balanced = measured["over_sources"]["top1"], measured["macro_recall"]
    found = measured["per_continent"].items()
    missed = [DISPLAY_NAMES[slug] for slug, one in found if one["recall"]["value"] == 0]
    at = block["threshold"]
    said = [
        (
            f"On sources that it has not seen it is right on {right['value']:.0%} of photos (95% interval"
            f" {right['low']:.0%} to {right['high']:.0%}), {balanced['value']:.0%} when every continent"
            f" counts the same, where always naming one gives {1 / len(measured['macro_over']):.0%}: it is"
            " weak."
        ),
        f"{measured['n']} photos of {measured['sources']} sources are a demonstration, not a training set.",
        "What it has learned is partly the look of sources, not of continents.",
        (
            "The recipe was chosen among a few dozen by the same leaving-out, so these scores are a little"
            " kind to it (docs/model-card.md)."
        ),
        "Conformal sets promise nothing on unseen sources; intervals cover fitting uncertainty only.",
    ]
    if tuned:
        said.insert(
            0,
            "Its backbone was fine-tuned on photos of these very sources: leaving a source out of the heads"
            " does not take it out of the backbone, so every score here is too kind (pangaea finetune compare"
            " judges it on sources that it has not seen).",
        )
    if missed:
        said.append(
            f"It found no photo at all of: {', '.join(missed)}; Antarctica has one source, so leaving it out"
            " leaves none to learn from."
        )
    if at["theta"] is None:
        said.append(
            f"No threshold brings its error on unseen sources below {at['target']:.0%} with"
            f" {at['confidence']:.0%} confidence (at {at['at']:.2f}, {at['errors']} of {at['n']} photos are"
            " wrong): it calls no continent by the image alone and every such photo is undetermined."
        )
    return said


def student_t(heads: int) -> float:
    """The 97.5% quantile of Student's t with heads − 1 degrees of freedom."""
    from scipy.stats import t  # noqa: PLC0415 - 0.5 s, and the models extra only

    return float(t.ppf(0.975, heads - 1))


def sha256(data: bytes) -> str:
    """The hash, in hex."""
    return hashlib.sha256(data).hexdigest()


def write(card: dict[str, Any], path: Path) -> None:
    """Write a card as JSON that people can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
