"""The fusion that ships: the chosen model, fitted on all photos, and what the card says of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from training.calibration import temperature
from training.embeddings import Embeddings
from training.evaluate import Folds
from training.fusion import world
from training.fusion.fit import Recipe
from training.fusion.gated import Gates
from training.fusion.generators import Gallery
from training.fusion.joining import join, judged
from training.fusion.judge import FITS, GATED
from training.fusion.mlp import Mlp
from training.fusion.pool import Pool

DRAWS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fusion model with the temperature by which logits were divided when it was fitted."""

    model: Gates | Pool | Mlp
    temperature: float
    recipe: Recipe
    samples: int
    photos: int

    def document(self) -> dict[str, Any]:
        """The card's block on how it was fitted; scores are the study's."""
        return {
            "kind": type(self.model).__name__.lower(),
            "recipe": asdict(self.recipe),
            "photos": self.photos,
            "samples": self.samples,
            "image_scores": "of heads that have not seen the photo's source",
            "evidence": {
                "simulated": True,
                "generator": "training.fusion.generators.Gallery",
                # No pattern of evidence has been calibrated on real photos: sets with any are not validated.
                "validated_patterns": [],
            },
        }


def fit(photos: Embeddings, folds: Folds, *, kind: str = GATED, recipe: Recipe | None = None) -> Fitted:
    """Fit a fusion model on every photo that can be judged, with the training generator's evidence.

    Args:
        photos: with their embeddings.
        folds: heads fitted without each source in turn.
        kind: a name of `judge.FITS`, the study's choice.
        recipe: how it is fitted; as many members as the heads that it will be written with.
    """
    recipe = recipe or Recipe()
    logits = folds.logits(photos)
    scale = temperature(logits, photos.label)
    rows = judged(photos)
    samples = join(
        photos.take(rows), logits[rows] / scale, Gallery(world.load()), draws=DRAWS, seed=recipe.seed
    )
    return Fitted(
        model=FITS[kind](samples, recipe),
        temperature=scale,
        recipe=recipe,
        samples=len(samples),
        photos=len(np.unique(samples.photo)),
    )
