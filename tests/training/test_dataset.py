"""The photos, the embeddings, and the wall between training and examples."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training import dataset, embeddings
from training.embeddings import Embeddings
from training.engines.parity import compare
from training.engines.reference import onnx_embeddings
from training.places import BACKBONE, CARD, EMBEDDINGS, EXAMPLES
from worker.errors import Refuse
from worker.prepare.decode import Target, decode
from worker.record import SLUGS

EXAMPLE_ROWS = list(csv.DictReader((EXAMPLES / "manifest.csv").read_text(encoding="utf-8").splitlines()))


def as_training_set(folder: Path, rows: list[dict[str, str]]) -> Path:
    """Lay example photos out as a folder to train on."""
    names = {slug: name for name, slug in dataset.SLUG_OF_NAME.items()}
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "continent", "source_repo", "group", "lat"])
        for row in rows:
            shutil.copyfile(EXAMPLES / row["file"], folder / row["file"])
            writer.writerow([row["file"], names[row["continent"]], row["source"], row["group"], "48.8584"])
    return folder


def test_no_example_was_trained_on(committed: Embeddings) -> None:
    """No group with a photo among the examples is among the committed embeddings."""
    assert not dataset.held_out_groups() & set(committed.group.tolist())
    assert len(committed) > 300


def test_no_example_looks_like_a_training_photo(committed: Embeddings) -> None:
    """Under no name: no example's embedding is as close to a training photo as a copy would be."""
    target = Target(260, 0.875)
    pixels = [decode((EXAMPLES / row["file"]).read_bytes(), dataset.LIMITS, target) for row in EXAMPLE_ROWS]
    x = onnx_embeddings(BACKBONE.read_bytes(), np.stack([one.pixels for one in pixels]))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    known = committed.x / np.linalg.norm(committed.x, axis=1, keepdims=True)
    assert (x @ known.T).max() < 0.98


def test_examples_are_credited_and_bare() -> None:
    """Each of 24 or more photos has a licence and a name to credit, a true continent, and no EXIF."""
    files = {path.name for path in EXAMPLES.glob("*.jpg")}
    assert files == {row["file"] for row in EXAMPLE_ROWS}
    assert len(files) >= 24
    assert {row["continent"] for row in EXAMPLE_ROWS} == set(SLUGS)
    credited = (EXAMPLES / "CREDITS.md").read_text(encoding="utf-8")
    for row in EXAMPLE_ROWS:
        assert row["licence"]
        assert row["attribution"]
        assert row["attribution"].rstrip(".") in credited
        path = EXAMPLES / row["file"]
        assert path.stat().st_size < 100_000
        with Image.open(path) as image:
            assert not image.getexif()
            assert not {"exif", "xmp", "comment", "photoshop"} & set(image.info)


def test_golden_photos_are_small_bare_and_no_examples() -> None:
    """What travels with the card carries nothing but pixels."""
    paths = list((CARD.parent / "golden").glob("*.jpg"))
    assert len(paths) == 3
    examples = {(EXAMPLES / row["file"]).read_bytes() for row in EXAMPLE_ROWS}
    for path in paths:
        assert path.stat().st_size <= 40 * 1024
        assert path.read_bytes() not in examples
        with Image.open(path) as image:
            assert not image.getexif()


def test_embeddings_survive_the_file_and_carry_no_place(committed: Embeddings, tmp_path: Path) -> None:
    """Saving twice gives the same bytes; nothing but the named arrays is in it, none of them pickled."""
    embeddings.save(committed, tmp_path / "a.npz")
    embeddings.save(embeddings.load(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(EMBEDDINGS, allow_pickle=False) as file:
        assert set(file.files) == {"fp32", "bf16", "int8", "label", "group", "source", "backbone"}
        assert file["fp32"].dtype == np.float16
    assert EMBEDDINGS.stat().st_size < 2_500_000


def test_embedding_anew_gives_the_embeddings_of_the_file(tmp_path: Path) -> None:
    """The path from photos to embeddings: groups, sources and labels in order, the held-out ones absent."""
    rows = EXAMPLE_ROWS[:4]
    folder = as_training_set(tmp_path, rows)
    target = Target(260, 0.875)
    found = embeddings.compute(folder, BACKBONE.read_bytes(), target, without=frozenset({rows[0]["group"]}))
    assert found.group.tolist() == [row["group"] for row in rows[1:]]
    assert found.label.tolist() == [SLUGS.index(row["continent"]) for row in rows[1:]]
    again = embeddings.compute(folder, BACKBONE.read_bytes(), target, without=frozenset())
    assert compare(found.x.astype(np.float32), again.x[1:].astype(np.float32)).min_cosine > 0.9999
    with pytest.raises(Refuse, match="no photo to fit on"):
        embeddings.compute(folder, BACKBONE.read_bytes(), target)


def test_wrong_folders_are_refused_with_the_mend(tmp_path: Path) -> None:
    """No manifest, a wrong column and a file that is no embeddings each get one sentence."""
    with pytest.raises(Refuse, match=r"no readable manifest\.csv"):
        dataset.load_photos(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,group\na.jpg,g\n", encoding="utf-8")
    with pytest.raises(Refuse, match="the columns are"):
        dataset.load_photos(tmp_path)
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(Refuse, match="is not a file of embeddings"):
        embeddings.load(tmp_path / "x.npz")
