"""What the training photos' own metadata say: committed as numbers, so that it is scored without the photos.

`training/photo_evidence.npz`, without pickle: `open` float32 (photos, 63), the evidence vectors where GPS is
not looked at; `located` likewise where it is; `photos`, the sha256 of the embeddings that they belong to, row
by row. A position is in neither: GPS becomes a continent. `python -m training.evaluation.carried --photos
DIR` writes it anew, after the embeddings (`python -m training.train --photos DIR`).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from local.progress import shown
from training import archive, embeddings
from training.dataset import LIMITS, load_photos
from training.embeddings import Embeddings
from training.engines.openvino_engine import CROP
from training.evaluation.nested import Meter
from training.fusion.batch import BLOCK, KINDS, EvidenceBatch
from training.places import EMBEDDINGS, MODELS
from worker.errors import Refuse, Reject
from worker.prepare.decode import Target
from worker.prepare.evidence.read import read
from worker.prepare.prepare import prepare

FILE: Final = "photo_evidence.npz"
COMMITTED: Final = EMBEDDINGS.with_name(FILE)
SIZE: Final = 224
"""Pixels that a photo is decoded to: of them only its brightness is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The evidence of n photos: `open` where GPS is not looked at, `located` where it is."""

    open: EvidenceBatch
    located: EvidenceBatch

    def __len__(self) -> int:
        return len(self.open)


def compute(folder: Path, photos: Embeddings, meter: Meter = lambda *_: None) -> Carried:
    """Read the metadata of the photos of `folder` as the worker does, in the order of their embeddings.

    Raises:
        Refuse: the folder has no usable manifest, or its photos are not those of the embeddings.
    """
    now, listed = time.time(), load_photos(folder)
    kept, open_, located = [], [], []
    for done, photo in enumerate(listed):
        meter("metadata", done, len(listed))
        data = photo.path.read_bytes()
        try:
            taken = prepare(data, LIMITS, Target(SIZE, CROP), now=now, gps=False)
        except Reject:
            continue
        kept.append((photo.label, photo.group, photo.source))
        open_.append(taken.evidence)
        located.append(read(data, brightness=taken.signals.brightness, now=now, gps=True))
    if kept != list(zip(photos.label.tolist(), photos.group.tolist(), photos.source.tolist(), strict=True)):
        raise Refuse(
            f"the photos of {folder} are not those of the embeddings: embed them first, with python -m"
            " training.train --photos."
        )
    return Carried(open=EvidenceBatch.of(open_), located=EvidenceBatch.of(located))


def save(carried: Carried, photos: Embeddings, path: Path) -> None:
    """Write the file; the same evidence gives the same bytes."""
    arrays = {
        "open": carried.open.vectors(),
        "located": carried.located.vectors(),
        "photos": np.array(digest(photos)),
    }
    archive.write(path, arrays)


def load(path: Path, photos: Embeddings) -> Carried | None:
    """Read the file; None where it belongs to other embeddings.

    Raises:
        Refuse: it is missing or is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["photos"]) != digest(photos):
                return None
            vectors = [np.asarray(file[name]) for name in ("open", "located")]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as exc:
        raise Refuse(
            f"{path.name} is not a file of photos' evidence: restore it, or run python -m"
            " training.evaluation.carried --photos DIR."
        ) from exc
    if any(one.shape != (len(photos), KINDS * BLOCK) or not np.isfinite(one).all() for one in vectors):
        raise Refuse(f"{path.name} holds no evidence for each photo: make it anew.")
    open_, located = map(EvidenceBatch.from_vectors, vectors)
    return Carried(open=open_, located=located)


def known(photos: Embeddings, models: Path = MODELS) -> Carried | None:
    """The evidence of these very photos: beside the models, else the committed; None where neither is theirs.

    Raises:
        Refuse: a file is not such a file.
    """
    for path in (models / FILE, COMMITTED):
        found = load(path, photos) if path.is_file() else None
        if found is not None:
            return found
    return None


def digest(photos: Embeddings) -> str:
    """The sha256 of embeddings as they are stored: of which photos they are, in which order."""
    names = "\n".join([*map(str, photos.group), *map(str, photos.source)])
    found = hashlib.sha256(photos.x.astype("<f2").tobytes())
    found.update(photos.label.astype("<i8").tobytes())
    found.update(names.encode())
    return found.hexdigest()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.carried", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the folder of photos with manifest.csv")
    parser.add_argument("--models", type=Path, default=MODELS, help="the folder of source models")
    options = parser.parse_args(arguments)
    own = options.models.resolve() == MODELS
    photos = embeddings.load(EMBEDDINGS if own else options.models / "embeddings.npz")
    with shown() as meter:
        found = compute(options.photos, photos, meter)
    place = COMMITTED if own else options.models / FILE
    save(found, photos, place)
    some = int(found.open.present.any(axis=1).sum())
    sys.stdout.write(f"{place}: {some} of {len(found)} photos carry evidence, GPS not looked at\n")


if __name__ == "__main__":
    try:
        main()
    except Refuse as refusal:
        sys.exit(f"training.evaluation.carried: {refusal}")
