"""What the commands do: look into a data set, judge, divide or label it, show and write what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from local.progress import shown
from training.data import corpus, divide, manifest, report, show
from training.data.evidence import evidence_of
from training.data.item import SPLITS
from training.data.label import judge
from training.data.labelled import REVIEW, Labelled
from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A manifest, and the folder of its photos where that is not the manifest's own."""

    manifest: Path
    photos: Path | None


def validate(where: Where, figures: Path | None) -> int:
    """Validate a data set, show and write what was found; return the exit code, 1 where it does not hold."""
    with shown() as meter:
        found = report.validate(corpus.study(where.manifest, photos=where.photos, meter=meter))
    _finish(show.report(found), found.document(), figures)
    return 0 if found.holds else 1


def split(where: Where, output: Path, sources: Path | None, seed: int, figures: Path | None) -> int:
    """Divide a data set, write its manifest and, if asked, a split for each source left out.

    Raises:
        Refuse: a file would be written over another, or there is nothing to divide.
    """
    _apart(where.manifest, output, sources, figures)
    with shown() as meter:
        studied = corpus.study(where.manifest, photos=where.photos, meter=meter)
    found = divide.divide(studied, seed=seed)
    document = found.document()
    folds = [] if sources is None else list(divide.by_source(studied, seed=seed))
    manifest.write(output, found.items)
    if sources is not None:
        rows = ((name, item.image_id, one or "") for name, photos in folds for item, one in photos)
        manifest.write_table(sources, ("held_out", "image_id", "data_split"), rows)
        document["by_source"] = {
            name: {each or "unused": sum(one == each for _, one in photos) for each in (*SPLITS, None)}
            for name, photos in folds
        }
    _finish(show.division(found), document, figures)
    return 0


def label(where: Where, output: Path, review: Path, *, gps: bool, figures: Path | None) -> int:
    """Label a data set from its metadata, write its manifest and the list for a person.

    Raises:
        Refuse: a file would be written over another.
    """
    _apart(where.manifest, output, review, figures)
    now = time.time()
    with shown() as meter:
        studied = corpus.study(where.manifest, photos=where.photos, meter=meter)
        found = Labelled(
            verdicts=tuple(
                judge(one.item, evidence_of(one, studied.folder, now=now, gps=gps)) for one in studied.seen
            )
        )
    manifest.write(output, found.items)
    manifest.write_table(review, REVIEW, found.review())
    _finish(show.labels(found), found.document(), figures)
    return 0


def _apart(source: Path, *written: Path | None) -> None:
    """Refuse to write over the manifest that is read, whose places and further columns would be lost."""
    paths = [manifest.file_of(source), *(path for path in written if path is not None)]
    if len({path.resolve() for path in paths}) < len(paths):
        raise Refuse(
            "one file would be written over another: give every file a name of its own.", exit_code=2
        )


def _finish(readable: RenderableType, document: dict[str, Any], figures: Path | None) -> None:
    Console().print(readable)
    if figures is not None:
        try:
            figures.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        except OSError as exc:
            raise Refuse(f"{figures} cannot be written: {exc.strerror}.", exit_code=2) from exc
