"""What a photo is called: a continent where the model has earned it, undetermined with a reason elsewhere."""

from __future__ import annotations

from worker.record import UNDETERMINED, Conflict, Decision, Estimate

NO_CONFLICT = Conflict(flag=False, pixels=0.0, metadata=0.0)
FEW = 3
"""A set of up to this many continents still tells a reader something: one of these."""


def decide(
    continents: dict[str, Estimate],
    conformal_set: tuple[str, ...],
    *,
    theta: float | None,
    conflict: Conflict = NO_CONFLICT,
) -> Decision:
    """Call the most probable continent when its lower bound reaches θ and nothing contradicts, else say why.

    The reasons, in the order they are asked:
    `conflict` – metadata among themselves, or image and metadata, contradict each other, as far as the card
    has a threshold for that kind;
    `model_unqualified` – no threshold met the card's target, so this model calls nothing;
    `wide_interval` – the estimate reaches θ, its lower bound does not: the heads disagree;
    `ambiguous_set` – two or three continents remain in the conformal set;
    `low_probability` – more than that remain, or the one that remains is not probable enough.

    >>> sure = {"asia": Estimate(p=0.9, low=0.8, high=0.95), "europe": Estimate(p=0.1, low=0.05, high=0.2)}
    >>> decide(sure, ("asia",), theta=0.7).slug
    'asia'
    >>> decide(sure, ("asia",), theta=0.85).reason
    'wide_interval'
    """
    if conflict.flag:
        return Decision(slug=UNDETERMINED, reason="conflict")
    if theta is None:
        return Decision(slug=UNDETERMINED, reason="model_unqualified")
    slug, best = max(continents.items(), key=lambda item: item[1].p)
    if best.low >= theta:
        return Decision(slug=slug, reason=None)
    if best.p >= theta:
        return Decision(slug=UNDETERMINED, reason="wide_interval")
    if 1 < len(conformal_set) <= FEW:
        return Decision(slug=UNDETERMINED, reason="ambiguous_set")
    return Decision(slug=UNDETERMINED, reason="low_probability")
