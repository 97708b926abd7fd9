"""Hold the committed models against their card: hashes, and every claim that can be computed again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from training import card as cards
from training import embeddings, evaluate, heads
from training.embeddings import Embeddings
from training.engines.reference import onnx_logits
from training.heads import Recipe
from training.places import EMBEDDINGS, MODELS
from worker.errors import Refuse

TOLERANCE: Final = 0.005
"""A recomputed number may differ by this much: another processor's last bits, carried through a refit."""

REFIT_TOLERANCE: Final = 1e-3
"""By how much a refitted head's logits may differ on the training photos (last bits differ)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One claim that does not hold: where it stands, what it says, what was found."""

    where: str
    claimed: object
    found: object

    def __str__(self) -> str:
        return f"{self.where}: the card says {self.claimed}, found {self.found}"


def check(models: Path = MODELS, stored: Path | None = None) -> list[Difference]:
    """Recompute what the card of `models` claims and return what differs; an empty list is a card that holds.

    Raises:
        Refuse: a file is missing or unreadable.
    """
    claimed = read(models / "continent" / "card.json")
    found = _hashes(models, claimed)
    if found:
        return found
    photos = embeddings.load(stored or (EMBEDDINGS if models == MODELS else models / "embeddings.npz"))
    if photos.backbone_sha256 != claimed["sources"]["efficientnet"]["sha256"]:
        return [
            Difference("embeddings", claimed["sources"]["efficientnet"]["sha256"], photos.backbone_sha256)
        ]
    recipe = Recipe(c=claimed["training"]["c"], heads=claimed["heads"], seed=claimed["training"]["seed"])
    gap = refit_gap((models / "fusion" / "1" / "model.onnx").read_bytes(), photos, recipe)
    if gap > REFIT_TOLERANCE:
        found.append(Difference("refit of the heads, gap of logits", f"at most {REFIT_TOLERANCE}", gap))
    model = cards.Model(folder=models, photos=photos, recipe=recipe)
    # Parity belongs to the machine that measured it.
    parity = {name: block["parity"] for name, block in claimed["precisions"].items()}
    # So does the fit of the fusion, of which last bits make others; `pangaea fusion study` measures it anew.
    again = cards.compose(
        model, evaluate.leave_sources_out(photos, recipe), parity, fusion=claimed.get("fusion")
    )
    return found + differences(claimed, again)


def refit_gap(fusion: bytes, photos: Embeddings, recipe: Recipe) -> float:
    """The largest gap of logits between the file and heads fitted anew, on the training photos."""
    served = onnx_logits(fusion, photos.x.astype(np.float32))
    return float(np.abs(served - heads.fit(photos, recipe).logits(photos.x)).max())


def differences(claimed: object, found: object, where: str = "card") -> list[Difference]:
    """Compare two documents leaf by leaf; numbers within the tolerance are equal.

    >>> differences({"a": 1.0, "b": [True]}, {"a": 1.001, "b": [False]})
    [Difference(where='card.b.0', claimed=True, found=False)]
    """
    if isinstance(claimed, dict) and isinstance(found, dict):
        keys = [*claimed, *(key for key in found if key not in claimed)]
        return [
            one for key in keys for one in differences(claimed.get(key), found.get(key), f"{where}.{key}")
        ]
    if isinstance(claimed, list) and isinstance(found, list) and len(claimed) == len(found):
        return [
            one
            for index, pair in enumerate(zip(claimed, found, strict=True))
            for one in differences(*pair, f"{where}.{index}")
        ]
    if isinstance(claimed, float) and isinstance(found, int | float) and _near(claimed, found):
        return []
    return [] if claimed == found else [Difference(where, claimed, found)]


def read(path: Path) -> dict[str, Any]:
    """Read a card.

    Raises:
        Refuse: it is missing or no JSON.
    """
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError) as exc:
        raise Refuse(
            f"{path} cannot be read as a card: restore it, or make it anew with `make train`."
        ) from exc


def _near(claimed: float, found: float) -> bool:
    return bool(abs(claimed - found) <= TOLERANCE * max(1.0, abs(claimed)))


def _hashes(models: Path, claimed: dict[str, Any]) -> list[Difference]:
    files = {
        part["file"]: (models / part["file"], part["sha256"])
        for part in (*claimed["sources"].values(), *claimed["precisions"].values())
        if "file" in part
    } | {
        photo["file"]: (models / "continent" / photo["file"], photo["sha256"])
        for photo in claimed["golden"]["photos"]
    }
    try:
        found = {name: cards.sha256(path.read_bytes()) for name, (path, _) in files.items()}
    except OSError as exc:
        raise Refuse(
            f"{exc.filename} cannot be read ({exc.strerror}): restore it from the repository."
        ) from exc
    return [
        Difference(name, digest, found[name]) for name, (_, digest) in files.items() if found[name] != digest
    ]
