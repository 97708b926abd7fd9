"""Any folder with a CSV that says which file shows which continent."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.evaluation.labelled import ONE_SOURCE, read
from training.places import EXAMPLES
from worker.errors import Refuse
from worker.record import SLUGS


def folder(place: Path, text: str, *files: str) -> Path:
    """A folder with this manifest and these files."""
    for name in files:
        (place / name).write_bytes(b"x")
    manifest = place / "manifest.csv"
    manifest.write_text(text, encoding="utf-8")
    return manifest


def test_the_examples_are_such_a_folder() -> None:
    """By the CSV or by its folder: every photo, with its continent, group and source."""
    found = read(EXAMPLES)
    assert found == read(EXAMPLES / "manifest.csv")
    assert len(found.photos) == 29
    assert found.passed_over == {}
    assert all(SLUGS[photo.label] in photo.path.name for photo in found.photos)
    assert len({photo.source for photo in found.photos}) > 3


def test_the_least_that_a_manifest_needs(tmp_path: Path) -> None:
    """A file and a continent, by name or slug; each photo is then its own group, and all one source."""
    manifest = folder(
        tmp_path, "file,continent\na.jpg,North America\nb.jpg,north-america\n", "a.jpg", "b.jpg"
    )
    one, other = read(manifest).photos
    assert one.label == other.label == SLUGS.index("north-america")
    assert one.group != other.group
    assert one.source == other.source == ONE_SOURCE


def test_shared_columns_are_understood(tmp_path: Path) -> None:
    """Books of one publisher are one source; what a sender would say travels along."""
    text = (
        "\ufeffpath,continent,source_repo,group,ce_captiontext,languagetag,lat,lon\n"
        "a.jpg,Asia,openstax/osbooks-history,g,Kyoto in spring,ja,35.0,135.8\n"
    )
    (photo,) = read(folder(tmp_path, text, "a.jpg")).photos
    assert (photo.source, photo.group) == ("openstax", "g")
    assert (photo.caption, photo.language, photo.timezone) == ("Kyoto in spring", "ja", None)
    assert "35" not in repr(photo)
    assert "Kyoto" not in repr(photo)
    assert "a.jpg" not in repr(photo)


def test_rows_that_cannot_be_judged_are_counted(tmp_path: Path) -> None:
    """Without a label, without a file, twice, or synthetic: passed over, and said so."""
    text = (
        "path,continent,label_method\na.jpg,Asia,\nb.jpg,,\nc.jpg,Asia,\na.jpg,Asia,\nd.jpg,Asia,synthetic\n"
    )
    found = read(folder(tmp_path, text, "a.jpg", "b.jpg", "d.jpg"))
    assert len(found.photos) == 1
    assert found.passed_over == {"unlabelled": 1, "missing": 1, "repeated": 1, "synthetic": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("path,label\na.jpg,Asia\n", "column continent"),
        ("path,continent\na.jpg,Atlantis\n", "row 1"),
        ("path,continent\nmissing.jpg,Asia\n", "1 missing"),
        ("path,continent\n", "no rows"),
        ('path,continent\n"a.jpg,Asia\n', "not a CSV"),
        ("", "column continent"),
    ],
)
def test_what_is_no_such_folder_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """In one sentence that says what is wrong and never what a cell holds."""
    with pytest.raises(Refuse, match=why) as refused:
        read(folder(tmp_path, text, "a.jpg"))
    assert "Atlantis" not in str(refused.value)


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Bad usage, not a failure."""
    with pytest.raises(Refuse, match="cannot be read") as refused:
        read(tmp_path)
    assert refused.value.exit_code == 2


def test_long_captions_are_cut_to_what_an_event_takes(tmp_path: Path) -> None:
    """A caption that no sender could send would condemn the photo's envelope."""
    text = f"path,continent,captiontext\na.jpg,Asia,{'é' * 10_000}\n"
    (photo,) = read(folder(tmp_path, text, "a.jpg")).photos
    assert photo.caption == "é" * 8_192
