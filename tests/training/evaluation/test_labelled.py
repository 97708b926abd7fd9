"""Any folder with a CSV that says which file shows which continent."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

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
    """Without a label or with an odd one, without a file, twice, or synthetic: passed over, and said so."""
    text = (
        "path,continent,label_method\na.jpg,Asia,\nb.jpg,,\nc.jpg,Asia,\na.jpg,Asia,\nd.jpg,Asia,synthetic\n"
        "d.jpg,Asia,Synthetic\nb.jpg,Atlantis,\n"
    )
    found = read(folder(tmp_path, text, "a.jpg", "b.jpg", "d.jpg"))
    assert len(found.photos) == 1
    assert found.passed_over == {
        "unlabelled": 1,
        "missing": 1,
        "repeated": 1,
        "synthetic": 2,
        "unknown_continent": 1,
    }


def test_a_file_is_judged_once_however_it_is_spelt(tmp_path: Path) -> None:
    """A detour through its folder, an absolute path and a link are one photo."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    text = f"path,continent\na.jpg,Asia\nsub/../a.jpg,Asia\n{tmp_path / 'a.jpg'},Asia\nlink.jpg,Asia\n"
    found = read(folder(tmp_path, text, "a.jpg"))
    assert len(found.photos) == 1
    assert found.passed_over == {"repeated": 3}


def test_names_that_no_file_can_have_are_missing_files(tmp_path: Path) -> None:
    """Too long a name, a circle of links: counted, and the others are judged."""
    (tmp_path / "one.jpg").symlink_to(tmp_path / "other.jpg")
    (tmp_path / "other.jpg").symlink_to(tmp_path / "one.jpg")
    text = f"path,continent\na.jpg,Asia\n{'x' * 300}.jpg,Asia\none.jpg,Asia\n"
    found = read(folder(tmp_path, text, "a.jpg"))
    assert len(found.photos) == 1
    assert found.passed_over == {"missing": 2}


def test_a_file_that_may_not_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is played: by opening the file, as its mode would."""
    opened = Path.open

    def refused(self: Path, mode: str = "r", **more: Any) -> IO[Any]:
        if self.name == "b.jpg" and "b" in mode:
            raise PermissionError(13, "Permission denied")
        return opened(self, mode, **more)

    manifest = folder(tmp_path, "path,continent\na.jpg,Asia\nb.jpg,Asia\n", "a.jpg", "b.jpg")
    monkeypatch.setattr(Path, "open", refused)
    found = read(manifest)
    assert [photo.path.name for photo in found.photos] == ["a.jpg"]
    assert found.passed_over == {"unreadable": 1}


def test_an_id_beside_a_path_is_no_second_file(tmp_path: Path) -> None:
    """The path names the file, on whichever side the id stands; alone, the id does."""
    for text in ("path,image_id,continent\na.jpg,7,Asia\n", "image_id,file,continent\n7,a.jpg,Asia\n"):
        (photo,) = read(folder(tmp_path, text, "a.jpg")).photos
        assert photo.path.name == "a.jpg"
    (photo,) = read(folder(tmp_path, "image_id,continent\na.jpg,Asia\n", "a.jpg")).photos
    assert photo.path.name == "a.jpg"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("path,label\na.jpg,Asia\n", "column continent"),
        ("path,continent\na.jpg,Atlantis\n", r"1 unknown_continent\).* africa, .*south-america"),
        ("path,file,continent\na.jpg,a.jpg,Asia\n", "two columns for the file"),
        ("path,continent,continent_label\na.jpg,Asia,Africa\n", "two columns for continent_label"),
        ("path,continent,source,source_repo\na.jpg,Asia,a,b\n", "two columns for source"),
        ("path,path,continent\na.jpg,a.jpg,Asia\n", "two columns for the file"),
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
