"""Answers that are drawn, so that what is true of them is known."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from tests.worker.prepare.evidence.photographed import exif, position, taken
from training.embeddings import Embeddings
from training.evaluation.answers import Answers, Labels, Matrix, Truth
from training.evaluation.nested import Predict


def truth_of(label: Labels, *, photos_a_group: int = 2, groups_a_source: int = 3) -> Truth:
    """Photos in their order: so many a group, so many groups a source."""
    group = np.arange(len(label)) // photos_a_group
    return Truth(
        label=np.asarray(label, dtype=np.int64),
        group=np.array([f"g{number}" for number in group]),
        source=np.array([f"s{number // groups_a_source}" for number in group]),
    )


def drawn(n: int, *, seed: int = 0, stretch: float = 1.0, spread: float = 1.0) -> Answers:
    """Labels drawn from probabilities of which the answers' logits are `stretch` times too sure."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 7)) * spread
    label = np.array([rng.choice(7, p=row) for row in softmax(z)])
    p = softmax(z * stretch)
    return Answers(
        truth=truth_of(label),
        p=p,
        sureness=p.max(axis=1) - rng.uniform(0, 0.05, n),
        sets=p >= 0.08,
        called=p.max(axis=1) > 0.4,
    )


def softmax(z: Matrix) -> Matrix:
    """Softmax over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def embedded(n: int = 120, *, seed: int = 0, width: int = 12, noise: float = 0.7) -> Embeddings:
    """Photos whose embedding shows their continent, through noise; sources of very different looks."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 7, n)
    truth = truth_of(label, photos_a_group=2, groups_a_source=10)
    look = {name: rng.normal(size=width) for name in np.unique(truth.source)}
    centre = rng.normal(size=(7, width))
    x = centre[label] + noise * rng.normal(size=(n, width)) + [0.5 * look[name] for name in truth.source]
    return Embeddings(
        x=x, bf16=None, label=label, group=truth.group, source=truth.source, backbone_sha256="0" * 64
    )


def silent(_what: str, _done: int, _total: int) -> None:
    """Say nothing."""


def simple(photos: Embeddings) -> Predict:
    """Two heads that differ a little: nearest class means, quick to fit."""
    means = np.stack(
        [
            photos.x[photos.label == label].mean(axis=0)
            if (photos.label == label).any()
            else photos.x[0] + 99
            for label in range(7)
        ]
    )

    def predict(x: Matrix) -> Matrix:
        near = -((x[:, None, :] - means) ** 2).sum(axis=2) / 4
        return np.stack([near, near * 1.1], axis=1)

    return predict


def located(path: Path) -> bytes:
    """A photo that says it was taken in Nairobi, at a time of which its GPS clock tells the offset."""
    clock = {7: (12.0, 20.0, 0.0), 29: "2024:07:02"}
    said = exif(
        shot=taken(datetime(2024, 7, 2, 15, 20)),  # noqa: DTZ001 - a camera's local time
        place=position(-1.283, 36.817) | clock,
    )
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").save(buffer, "JPEG", quality=95, exif=said)
    return buffer.getvalue()
