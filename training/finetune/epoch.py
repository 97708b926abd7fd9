"""How a run is going: an epoch's figures, and what is told of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from training.finetune.stopping import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch's figures.

    `loss` is the mean on training photos and `learning_rate` that at the end, both None for epoch 0; `thawed`
    names the stages of the backbone that were trained; the rest is of validation photos.
    """

    number: int
    loss: float | None
    learning_rate: float | None
    thawed: tuple[str, ...]
    accuracy: float
    nll: float
    ece: float

    @property
    def score(self) -> Score:
        """What decides whether it is kept."""
        return Score(accuracy=self.accuracy, nll=self.nll)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"thawed": list(self.thawed)}

    def scalars(self) -> dict[str, float]:
        """The numbers by the names under which they are tracked."""
        found = {
            "train/loss": self.loss,
            "train/learning_rate": self.learning_rate,
            "train/thawed_stages": float(len(self.thawed)),
            "validation/accuracy": self.accuracy,
            "validation/nll": self.nll,
            "validation/ece": self.ece,
        }
        return {name: value for name, value in found.items() if value is not None}
