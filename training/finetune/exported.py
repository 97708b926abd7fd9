"""A fine-tuned backbone as the ONNX file that Triton serves, checked against torch on photos."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training import export
from training.backbones import Backbone, Embedder
from training.dataset import TrainingPhoto
from training.engines.parity import LEAST_COSINE, compare
from training.engines.reference import onnx_embeddings
from training.finetune.recipes import CROP, Recipe
from worker.errors import Refuse
from worker.prepare.decode import Target


def write(
    embedder: Embedder,
    recipe: Recipe,
    models: Path,
    *,
    photos: Sequence[TrainingPhoto],
    weights: str,
    training: dict[str, Any],
) -> dict[str, Any]:
    """Write `efficientnet/1/model.onnx` and its card below `models`; return the card.

    Args:
        embedder: the backbone.
        recipe: what it is.
        models: a folder of source models, as `python -m training.train --models` takes it.
        photos: on at most 40 of which the file is compared with torch.
        weights: where they come from, in words, for the card.
        training: what it was fine-tuned on, for the card.

    Raises:
        Refuse: the file is not as close to torch as float32 is to itself.
    """
    embedder.cpu().eval()
    with without_fast_path():
        model = export.export(embedder, size=recipe.size)
        chosen = photos[:: max(1, len(photos) // export.SAMPLE)][: export.SAMPLE]
        pixels = np.stack([photo.pixels(Target(size=recipe.size, crop=CROP)) for photo in chosen])
        parity = compare(export.reference(embedder, pixels), onnx_embeddings(model, pixels))
    if not parity.min_cosine >= LEAST_COSINE["fp32"]:
        raise Refuse(
            f"the exported file is not what was trained (cosine {parity.min_cosine:.4f}, least"
            f" {LEAST_COSINE['fp32']}): its weights may have grown too large, so lower --learning-rate."
        )
    backbone = Backbone(
        architecture=recipe.architecture,
        weights=weights,
        size=recipe.size,
        width=recipe.width,
        load=lambda _: embedder,
    )
    card = export.document(backbone, model)
    card["export"]["parity_with_torch"] = parity.document()
    card["fine_tuning"] = training
    path = models / "efficientnet" / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model)
    text = json.dumps(card, indent=2) + "\n"
    (models / "efficientnet" / "card.json").write_text(text, encoding="utf-8")
    return card


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Let attention run as written: its fused form has no counterpart in ONNX."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
