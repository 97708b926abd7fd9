"""Which photos of a manifest the model was fitted on: by what they look like to its backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from training.embeddings import Embeddings
from training.engines.reference import onnx_embeddings
from training.evaluation.answers import Mask, Matrix
from training.evaluation.labelled import LabelledPhoto
from training.evaluation.nested import Meter
from worker.errors import Reject
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.record import Pixels

SAME: Final = 0.95
"""The cosine from which two embeddings are of one picture.

No two of the committed embeddings reach 0.87, and a picture stored anew as a poorer JPEG stays above 0.95.
"""

AT_ONCE: Final = 256
"""Photos that are held decoded: 38 MB at 224 pixels."""


def fitted_on(
    photos: Sequence[LabelledPhoto],
    known: Embeddings,
    *,
    backbone: bytes,
    target: Target,
    limits: DecodeLimits,
    meter: Meter,
) -> Mask:
    """Whether each photo is one of the training photos, or of a group of theirs, shape (n,).

    A group counts as theirs by its name together with its source's: names alone meet by chance.

    Args:
        photos: that the worker took.
        known: the embeddings that the heads were fitted on.
        backbone: the ONNX file that made them.
        target: the preprocessing.
        limits: on what is decoded.
        meter: told how far it is.
    """
    trips = set(zip(known.group.tolist(), known.source.tolist(), strict=True))
    found = np.array([(photo.group, photo.source) in trips for photo in photos], dtype=np.bool_)
    for start in range(0, len(photos), AT_ONCE):
        meter("known photos", start, len(photos))
        rows, pixels = [], []
        for row, photo in enumerate(photos[start : start + AT_ONCE], start=start):
            seen = None if found[row] else _pixels(photo, target, limits)
            if seen is not None:
                rows.append(row)
                pixels.append(seen)
        if rows:
            found[rows] = alike(onnx_embeddings(backbone, np.stack(pixels)).astype(np.float64), known.x)
    return found


def alike(x: Matrix, known: Matrix) -> Mask:
    """Whether each embedding (n, width) is of a picture that is among the known (m, width): shape (n,).

    >>> alike(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 0.01]])).tolist()
    [True, False]
    """
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, known))
    return np.asarray((one @ other.T).max(axis=1, initial=-1.0) >= SAME)


def _pixels(photo: LabelledPhoto, target: Target, limits: DecodeLimits) -> Pixels | None:
    """None where it cannot be read any more."""
    try:
        return decode(photo.path.read_bytes(), limits, target).pixels
    except (OSError, Reject):
        return None
