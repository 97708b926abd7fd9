"""The losses of the fusion models with their analytic gradients: weighted mean negative log-likelihood.

Each function works out what does not depend on the parameters and returns what an optimiser asks: from a flat
vector of parameters to loss and gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from training.embeddings import Matrix
from training.fusion.batch import KINDS, LABELS, Samples
from training.fusion.context import FEATURES, context
from training.fusion.gated import log_quality, sigmoid
from training.fusion.mlp import inputs
from worker.finish.probability import softmax

Objective = Callable[[Matrix], tuple[float, Matrix]]
Parts = dict[str, Matrix]


@dataclass(frozen=True, slots=True)
class Layout:
    """Parameters by name and shape, and the flat vector of all of them, in that order."""

    shapes: Mapping[str, tuple[int, ...]]

    def split(self, flat: Matrix) -> Parts:
        """The parameters by name: views of the flat vector.

        >>> Layout({"a": (2,), "b": (1, 2)}).split(np.arange(4.0))["b"].tolist()
        [[2.0, 3.0]]
        """
        ends = np.cumsum([prod(shape) for shape in self.shapes.values()])
        pieces = np.split(flat, ends[:-1])
        return {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def flat(self, parts: Parts) -> Matrix:
        """The flat vector of the parameters."""
        return np.concatenate([parts[name].ravel() for name in self.shapes])


def gate_layout(units: int) -> Layout:
    """The parameters of one member's gates."""
    return Layout(
        {
            "hidden": (FEATURES, units),
            "stream": (KINDS, units),
            "output": (units,),
            "direct": (FEATURES,),
            "bias": (KINDS,),
            "power": (KINDS,),
        }
    )


def gates(samples: Samples, *, units: int, penalty: float, mask: Matrix) -> Objective:
    """The loss of one member's gates with ½·penalty·Σ w² on all parameters but the bias.

    Args:
        samples: what to learn from.
        units: of the hidden layer.
        penalty: against a mean loss.
        mask: factors of the hidden units, shape (n, streams, units): ones, or dropout's.
    """
    layout, image, evidence = gate_layout(units), samples.image, samples.evidence
    features, quality = context(image, evidence), log_quality(evidence)
    gain = np.exp(evidence.support) - 1
    share, truth = _share(samples), np.eye(LABELS)[samples.label]
    penalised = ("hidden", "stream", "output", "direct", "power")

    def objective(flat: Matrix) -> tuple[float, Matrix]:
        at = layout.split(flat)
        inner = np.tanh(features @ at["hidden"] + at["stream"])
        seen = inner * mask
        opening = sigmoid(seen @ at["output"] + features @ at["direct"] + at["bias"])
        power = np.exp(at["power"])
        gate = evidence.present * np.exp(power * quality) * opening
        mixed = 1 + gate[..., None] * gain
        p = softmax(image + np.log(mixed).sum(axis=1))
        # By the chain rule, from the fused logits back to the log of each gate, its score, its units.
        by_gate = np.einsum("nc,nkc->nk", share[:, None] * (p - truth), gain / mixed) * gate
        score = by_gate * (1 - opening)
        back = score[..., None] * at["output"] * mask * (1 - inner**2)
        gradient = {
            "hidden": np.tensordot(features, back, axes=((0, 1), (0, 1))),
            "stream": back.sum(axis=0),
            "output": np.tensordot(score, seen, axes=((0, 1), (0, 1))),
            "direct": np.tensordot(score, features, axes=((0, 1), (0, 1))),
            "bias": score.sum(axis=0),
            "power": (by_gate * quality).sum(axis=0) * power,
        }
        penalties = {name: penalty * at[name] for name in penalised}
        return _loss(p, truth, share) + _half(penalties, at), layout.flat(_sum(gradient, penalties))

    return objective


def pool(samples: Samples) -> Objective:
    """The loss of the log-linear pool's weights, shape (streams,): convex, any start finds the optimum."""
    image, share, truth = samples.image, _share(samples), np.eye(LABELS)[samples.label]
    support = samples.evidence.quality[..., None] * samples.evidence.support

    def objective(weight: Matrix) -> tuple[float, Matrix]:
        p = softmax(image + np.einsum("k,nkc->nc", weight, support))
        gradient = np.einsum("nc,nkc->k", share[:, None] * (p - truth), support)
        return _loss(p, truth, share), np.asarray(gradient)

    return objective


def mlp_layout(units: int) -> Layout:
    """The parameters of one perceptron."""
    width = LABELS + KINDS * (2 + LABELS)
    return Layout({"entry": (width, units), "offset": (units,), "exit": (units, LABELS), "bias": (LABELS,)})


def mlp(samples: Samples, *, units: int, penalty: float) -> Objective:
    """The loss of concatenation and a perceptron with ½·penalty·Σ w² on the weights of both layers."""
    layout, image, taken = mlp_layout(units), samples.image, inputs(samples.image, samples.evidence)
    some = samples.evidence.present.max(axis=1)[:, None]
    share, truth = _share(samples), np.eye(LABELS)[samples.label]

    def objective(flat: Matrix) -> tuple[float, Matrix]:
        at = layout.split(flat)
        inner = np.tanh(taken @ at["entry"] + at["offset"])
        p = softmax(image + some * (inner @ at["exit"] + at["bias"]))
        out = share[:, None] * (p - truth) * some
        back = out @ at["exit"].T * (1 - inner**2)
        gradient = {
            "entry": taken.T @ back,
            "offset": back.sum(axis=0),
            "exit": inner.T @ out,
            "bias": out.sum(axis=0),
        }
        penalties = {name: penalty * at[name] for name in ("entry", "exit")}
        return _loss(p, truth, share) + _half(penalties, at), layout.flat(_sum(gradient, penalties))

    return objective


def _share(samples: Samples) -> Matrix:
    weight = samples.weight()
    return np.asarray(weight / weight.sum())


def _loss(p: Matrix, truth: Matrix, share: Matrix) -> float:
    return float(-(share * np.log(np.maximum((p * truth).sum(axis=1), 1e-300))).sum())


def _half(penalties: Parts, at: Parts) -> float:
    return 0.5 * sum(float((slope * at[name]).sum()) for name, slope in penalties.items())


def _sum(gradient: Parts, penalties: Parts) -> Parts:
    return gradient | {name: gradient[name] + slope for name, slope in penalties.items()}
