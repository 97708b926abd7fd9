"""Photos that the model was fitted on are known by their looks, not by the name of their group."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tests.training.evaluation.invented import silent
from training.embeddings import Embeddings
from training.engines.reference import onnx_embeddings
from training.evaluation.labelled import read
from training.evaluation.seen import alike, fitted_on
from training.places import BACKBONE, CARD, EXAMPLES
from worker.edges.card import load
from worker.prepare.decode import DecodeLimits, decode

LIMITS = DecodeLimits(50_000_000, 20_000)


def test_a_photo_is_known_again(tmp_path: Path) -> None:
    """Under another name, in no group, stored anew and poorer; no other photo is taken for it."""
    photos = read(EXAMPLES).photos[:4]
    target, backbone = load(CARD).target, BACKBONE.read_bytes()
    pixels = np.stack([decode(photo.path.read_bytes(), LIMITS, target).pixels for photo in photos[:2]])
    known = Embeddings(
        x=onnx_embeddings(backbone, pixels).astype(np.float16).astype(np.float64),
        bf16=None,
        label=np.zeros(2, dtype=np.int64),
        group=np.array(["trip", "other"]),
        source=np.array(["theirs", "theirs"]),
        backbone_sha256="0" * 64,
    )
    buffer = io.BytesIO()
    Image.open(photos[1].path).convert("RGB").save(buffer, "JPEG", quality=80)
    (tmp_path / "copy.jpg").write_bytes(buffer.getvalue())
    given = [
        replace(photos[0], group="mine", source="mine"),
        replace(photos[1], path=tmp_path / "copy.jpg", group="mine", source="mine"),
        replace(photos[2], group="trip", source="mine"),
        replace(photos[2], group="trip", source="theirs"),
        replace(photos[3], path=tmp_path / "gone.jpg", group="mine", source="mine"),
    ]
    found = fitted_on(given, known, backbone=backbone, target=target, limits=LIMITS, meter=silent)
    assert found.tolist() == [True, True, False, True, False]


def test_length_is_not_likeness() -> None:
    """The cosine decides: a longer vector of the same direction is the same, one at 20 degrees is not."""
    angle = np.deg2rad(20)
    x = np.array([[5.0, 0.0], [np.cos(angle), np.sin(angle)]])
    assert alike(x, np.array([[0.0, 1.0], [1.0, 0.0]])).tolist() == [True, False]
