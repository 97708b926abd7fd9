"""From one photo's logits to its Prediction, by the card's recipe."""

from __future__ import annotations

from worker.finish.conformal import lac_set
from worker.finish.decide import decide
from worker.finish.probability import entropy, margin, posterior
from worker.finish.recipe import Recipe
from worker.record import Estimate, ImageSignals, Logits, Photo, Prediction, Timing


def finish(photo: Photo, logits: Logits, signals: ImageSignals, timing: Timing, recipe: Recipe) -> Prediction:
    """Calibrate the heads' logits, shape (heads, labels), put intervals on them, and decide.

    Raises:
        ValueError: a logit is not finite or the shape is not the recipe's.
    """
    if logits.shape[-1] != len(recipe.labels):
        raise ValueError(f"the engine answered {logits.shape[-1]} labels, the card has {len(recipe.labels)}")
    p, low, high = posterior(
        logits, temperature=recipe.temperature, student_t=recipe.student_t, interval=recipe.interval
    )
    # Lists of floats: taking numbers out of arrays one by one costs more than all the arithmetic.
    estimates = zip(recipe.labels, p.tolist(), low.tolist(), high.tolist(), strict=True)
    continents = {label: Estimate(p=own, low=least, high=most) for label, own, least, most in estimates}
    conformal_set = tuple(recipe.labels[i] for i in lac_set(p, quantile=recipe.quantile))
    return Prediction(
        photo=photo,
        decision=decide(continents, conformal_set, theta=recipe.theta),
        continents=continents,
        conformal_set=conformal_set,
        # Without evidence streams the image speaks alone: stage 1 is the answer.
        stage1={label: estimate.p for label, estimate in continents.items()},
        entropy=entropy(p),
        margin=margin(p),
        signals=signals,
        timing=timing,
    )
