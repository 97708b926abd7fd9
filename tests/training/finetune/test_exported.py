"""The way out to ONNX, of an attention network too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import VisionTransformer

from tests.training.finetune import tiny
from training.engines.reference import onnx_embeddings
from training.finetune import exported
from training.finetune.model import Classifier, around
from training.finetune.recipes import RECIPES
from worker.errors import Refuse

pytestmark = [
    pytest.mark.training,
    # torch's own use of what it deprecates, in its exporter.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SMALL = replace(RECIPES["vit_b_16"], size=32, width=24)


@pytest.fixture
def transformer() -> Classifier:
    """The network of ViT-B/16, smaller in every number, under the recipe's own functions."""
    torch.manual_seed(0)
    network = VisionTransformer(
        image_size=32, patch_size=16, num_layers=2, num_heads=2, hidden_dim=24, mlp_dim=48
    )
    network.heads = torch.nn.Identity()
    return around(SMALL, network)


def test_attention_is_exported_for_any_batch(transformer: Classifier, tmp_path: Path) -> None:
    """One photo or five, the file says what torch says; torch's fused attention is as it was before."""
    selection = tiny.selected(tmp_path)
    fast = torch.backends.mha.get_fastpath_enabled()
    card = exported.write(
        transformer.embedder,
        SMALL,
        tmp_path / "models",
        photos=selection.train,
        weights="by chance",
        training={"photos": 3},
    )
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert card["output"]["shape"] == ["batch", 24]
    assert card["export"]["parity_with_torch"]["photos"] == min(40, len(selection.train))
    model = (tmp_path / "models" / "efficientnet" / "1" / "model.onnx").read_bytes()
    assert json.loads((tmp_path / "models" / "efficientnet" / "card.json").read_text()) == card
    photos = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = transformer.embedder(torch.from_numpy(photos)).numpy()
    assert onnx_embeddings(model, photos) == pytest.approx(expected, abs=1e-4)
    assert onnx_embeddings(model, photos[:1]) == pytest.approx(expected[:1], abs=1e-4)


def test_a_file_that_says_something_else_is_refused(
    transformer: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written then."""
    selection = tiny.selected(tmp_path)
    monkeypatch.setattr(exported, "onnx_embeddings", lambda model, photos: -onnx_embeddings(model, photos))
    with pytest.raises(Refuse, match="not what was trained"):
        exported.write(
            transformer.embedder,
            SMALL,
            tmp_path / "models",
            photos=selection.train,
            weights="by chance",
            training={},
        )
    assert not (tmp_path / "models").exists()
