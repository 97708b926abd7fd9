"""From one photo's logits to its Prediction, by the card's recipe."""

from __future__ import annotations

from worker.finish.conflict import conflict
from worker.finish.conformal import lac_set
from worker.finish.decide import decide
from worker.finish.probability import Posterior, entropy, margin, posterior
from worker.finish.recipe import Recipe
from worker.record import STREAMS, Answer, Estimate, Logits, Photo, Prediction, Prepared, Timing


def finish(photo: Photo, answer: Answer, prepared: Prepared, timing: Timing, recipe: Recipe) -> Prediction:
    """Calibrate the engine's logits, put intervals on them, look for conflicts, and decide.

    A photo without evidence is answered by its image alone, and held to the image's own threshold.

    Raises:
        ValueError: a logit is not finite or the shape is not the recipe's.
    """
    evidence = prepared.evidence
    image = calibrated(answer.stage1, recipe)
    standard = recipe.fused if evidence.streams and recipe.fused else recipe.image
    p, low, high = image if standard is recipe.image else calibrated(answer.stage2, recipe)
    # Lists of floats: taking numbers out of arrays one by one costs more than all the arithmetic.
    estimates = zip(recipe.labels, p.tolist(), low.tolist(), high.tolist(), strict=True)
    continents = {label: Estimate(p=own, low=least, high=most) for label, own, least, most in estimates}
    conformal_set = tuple(recipe.labels[i] for i in lac_set(p, quantile=standard.quantile))
    contradiction = conflict(image.p, evidence, recipe)
    return Prediction(
        photo=photo,
        decision=decide(continents, conformal_set, theta=standard.theta, conflict=contradiction),
        continents=continents,
        conformal_set=conformal_set,
        validated=standard.validated,
        stage1=dict(zip(recipe.labels, image.p.tolist(), strict=True)),
        fused=None if standard is recipe.image else {label: one.p for label, one in continents.items()},
        evidence=evidence,
        weights=dict(zip(STREAMS, answer.gates.tolist(), strict=True)),
        conflict=contradiction,
        entropy=entropy(p),
        margin=margin(p),
        signals=prepared.signals,
        timing=timing,
    )


def calibrated(logits: Logits, recipe: Recipe) -> Posterior:
    """Probabilities with their interval from raw logits, shape (heads, labels), of either stage.

    Raises:
        ValueError: a logit is not finite or the shape is not the recipe's.
    """
    if logits.shape[-1] != len(recipe.labels):
        raise ValueError(f"the engine answered {logits.shape[-1]} labels, the card has {len(recipe.labels)}")
    return posterior(
        logits, temperature=recipe.temperature, student_t=recipe.student_t, interval=recipe.interval
    )
