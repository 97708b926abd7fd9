"""The fusion that ships: the chosen model, fitted on all photos, and what the card says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from training.calibration import temperature
from training.card import standard, student_t
from training.embeddings import Embeddings
from training.evaluate import Folds
from training.fusion import world
from training.fusion.fit import Recipe
from training.fusion.gated import Gates
from training.fusion.generators import Gallery
from training.fusion.joining import join, judged
from training.fusion.judge import (
    FITS,
    GATED,
    IMAGE,
    metadata_conflict,
    out_of_source,
    pixels_conflict,
    scores,
)
from training.fusion.mlp import Mlp
from training.fusion.pool import Pool
from training.fusion.study import HEADLINE, WITH_GPS, draw
from worker.finish.probability import posterior
from worker.record import STREAMS

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
        """The card's block on how it was fitted."""
        return {
            "streams": list(STREAMS),
            "kind": type(self.model).__name__.lower(),
            "recipe": asdict(self.recipe),
            "temperature": self.temperature,
            "photos": self.photos,
            "samples": self.samples,
            "image_scores": "of heads that have not seen the photo's source",
            "evidence": {
                "simulated": True,
                "learned_with": "training.fusion.generators.Gallery",
                "judged_with": "training.fusion.generators.Census",
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
    rows = judged(photos)
    scale = temperature(logits[rows], photos.label[rows])
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


def standing(
    photos: Embeddings,
    folds: Folds,
    *,
    kind: str = GATED,
    recipe: Recipe | None = None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """What fused answers are held to, and their scores: the card's block.

    Every source is judged by heads fitted without it and by a fusion fitted on other sources' photos, whose
    own image scores are of heads that had it among their sources (see `judge`). Evidence is the testing
    generator's, positions among it as photos have them; thresholds of conflicts are learned on the training
    one's. One draw of a photo counts for the threshold: draws of one photo are no independent photos.
    """
    recipe = recipe or Recipe()
    drawn = draw(photos, folds, draws=DRAWS, seed=recipe.seed)
    tests = {HEADLINE: drawn.test.seeing(drawn.test.evidence.without("gps")), WITH_GPS: drawn.test}
    found = out_of_source(drawn.train, tests, recipe, kinds=(kind,), tell=tell)
    once = np.arange(0, len(drawn.test), DRAWS)
    once = once[drawn.test.evidence.present[once].any(axis=1)]
    p, lower, _ = posterior(
        found[WITH_GPS].fused[kind][once], temperature=1.0, student_t=student_t(recipe.members)
    )
    return standard(p, lower, drawn.test.take(once)) | {
        "conflict": {
            "pixels_against_metadata": pixels_conflict(drawn.train_swaps, drawn.test_swaps),
            "metadata_against_metadata": metadata_conflict(drawn.train, drawn.test),
        },
        "scores": {
            name.replace(" ", "_").lower(): {"image": both[IMAGE], "fused": both[kind]}
            for name, both in ((name, scores(each)) for name, each in found.items())
        },
    }
