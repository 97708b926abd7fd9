"""Where the repository keeps its models, its examples and the committed embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MODELS: Final = ROOT / "triton_models"
CARD: Final = MODELS / "continent" / "card.json"
BACKBONE: Final = MODELS / "efficientnet" / "1" / "model.onnx"
HEADS: Final = MODELS / "fusion" / "1" / "model.onnx"
EMBEDDINGS: Final = Path(__file__).resolve().parent / "embeddings.npz"
EXAMPLES: Final = ROOT / "examples" / "photos"
