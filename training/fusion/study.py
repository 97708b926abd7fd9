"""The whole study of fusion and uncertainty, as one document: models, streams, conflicts, sets, dropout.

Photos, labels and image scores are real, and every source is judged by models that were not fitted on its
photos; what they were fitted on is not nested (see `judge`). All evidence here is simulated: learned with one
generator, judged with the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from training.card import student_t
from training.embeddings import Embeddings
from training.evaluate import Folds
from training.fusion import judge, world
from training.fusion.batch import Samples
from training.fusion.fit import Recipe
from training.fusion.generators import Census, Gallery, Generator
from training.fusion.joining import image_scores, join, judged
from training.uncertainty import contest
from training.uncertainty.sets import conformal_rows, selective_block
from worker.record import STREAMS

HEADLINE: Final = "without GPS"
WITH_GPS: Final = "with GPS"
MANY_SWAPS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is done: evidence draws a photo, and the known world's photos, fresh photos and repeats."""

    draws: int = 12
    photos: int = 1000
    fresh: int = 1000
    repeats: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Photos joined with evidence, to learn from and to judge by; for conflicts, with many swapped ones."""

    train: Samples
    test: Samples
    train_swaps: Samples
    test_swaps: Samples


def draw(photos: Embeddings, folds: Folds, *, draws: int, seed: int) -> Drawn:
    """Join the photos that can be judged with evidence of both generators."""
    rows = judged(photos)
    taken, scores = photos.take(rows), image_scores(photos, folds)[rows]
    table = world.load()
    each: tuple[Generator, ...] = (
        Gallery(table),
        Census(table),
        Gallery(table, swapped=MANY_SWAPS),
        Census(table, swapped=MANY_SWAPS),
    )
    made = [
        join(taken, scores, generator, draws=draws, seed=seed + place) for place, generator in enumerate(each)
    ]
    return Drawn(train=made[0], test=made[1], train_swaps=made[2], test_swaps=made[3])


def study(
    photos: Embeddings,
    folds: Folds,
    *,
    recipe: Recipe | None = None,
    size: Size | None = None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Return the document; the same photos, recipe and size give the same one.

    Args:
        photos: with their embeddings.
        folds: heads fitted without each source in turn.
        recipe: of the fusion models.
        size: how much is done.
        tell: is told what is being done, how much is done and of how much.
    """
    recipe, size = recipe or Recipe(), size or Size()
    drawn = draw(photos, folds, draws=size.draws, seed=recipe.seed)
    tests = {HEADLINE: drawn.test.seeing(drawn.test.evidence.without("gps")), WITH_GPS: drawn.test}
    found = judge.out_of_source(drawn.train, tests, recipe, tell=tell)
    once = np.arange(0, len(drawn.test), size.draws)
    headline = found[HEADLINE]
    fused = headline.fused[judge.GATED][once]
    first = headline.samples.take(once)
    t = student_t(recipe.members)
    return {
        "how": (
            "real photos with image scores of heads that have not seen their source; evidence simulated,"
            " learned with the gallery's generator and judged with the census's; models fitted on other"
            " sources' photos, whose scores are of heads that had the judged source among theirs; intervals:"
            " 95%, bootstrap over sources; n counts photos, each drawn several times"
        ),
        "n": len(np.unique(drawn.test.photo)),
        "draws": size.draws,
        "sources": len(np.unique(drawn.test.source)),
        "left_out": len(photos) - len(np.unique(drawn.test.photo)),
        "recipe": asdict(recipe),
        "models": {name: judge.scores(one) for name, one in found.items()},
        "gated_minus_others_nll": {name: judge.differences(one) for name, one in found.items()},
        "chosen": judge.chosen(headline),
        "by_stream": judge.by_stream(found[WITH_GPS], STREAMS),
        "conflict": {
            "pixels_against_metadata": judge.pixels_conflict(drawn.train_swaps, drawn.test_swaps),
            "metadata_against_metadata": judge.metadata_conflict(drawn.train, drawn.test),
            "metadata_by_all_streams": judge.all_streams_conflict(drawn.train, drawn.test),
        },
        "conformal": {
            judge.IMAGE: conformal_rows(headline.p(judge.IMAGE)[once], first.label, first.source),
            judge.GATED: conformal_rows(headline.p(judge.GATED)[once], first.label, first.source),
        },
        "selective": {
            judge.IMAGE: selective_block(first.logits, first.label, first.group, first.source, student_t=t),
            judge.GATED: selective_block(fused, first.label, first.group, first.source, student_t=t),
        },
        "uncertainty": {
            "known_world": contest.in_the_known_world(
                photos=size.photos, fresh=size.fresh, repeats=size.repeats, recipe=recipe, tell=tell
            ),
            "photos": contest.on_photos(drawn.train, tests[HEADLINE], recipe, tell=tell),
        },
    }
