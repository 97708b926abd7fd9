"""Files are looked into as the worker would, and what a camera wrote is read without being shown."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from tests.training.data import made
from training.data import manifest, photo, schema


def with_exif(path: Path, *, offset: str = "+02:00", taken: str = "2024:07:02 16:20:00") -> Path:
    """A photo as a phone writes it, by Pillow."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X100V"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: taken,
        ExifTags.Base.OffsetTimeOriginal: offset,
    }
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "S",
        ExifTags.GPS.GPSLatitude: (33.0, 55.0, 30.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (18.0, 25.0, 12.0),
    }
    Image.fromarray(made.scene(1)).save(path, "JPEG", exif=exif)
    return path


def test_a_whole_photo_is_hashed_and_read(tmp_path: Path) -> None:
    """Time with its offset, model and place are what was written; nothing of it is in a repr."""
    path = with_exif(tmp_path / "a.jpg")
    found = photo.look(path)
    assert found.rejected is None
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.camera.timestamp == "2024-07-02T16:20:00+02:00"
    assert found.camera.model == "X100V"
    assert found.camera.coordinates == pytest.approx((-33.925, 18.42))
    assert [secret for secret in ("X100V", "33", "16:20") if secret in repr(found.camera)] == []


def test_records_are_completed_from_files_and_not_overwritten(tmp_path: Path) -> None:
    """The manifest's word counts; the camera's fills the gaps; that there were coordinates is remembered."""
    with_exif(tmp_path / "a.jpg")
    cells = {"timestamp": "2001-01-01T00:00:00"}
    path = made.manifest(tmp_path, [made.row("a.jpg", **cells)])
    reported: list[tuple[int, int]] = []
    (seen,) = photo.see(manifest.read(path), progress=lambda done, total: reported.append((done, total)))
    assert seen.item.timestamp == "2001-01-01T00:00:00"
    assert seen.item.camera_model == "X100V"
    assert seen.item.gps_included is True
    assert seen.row.item is not None
    assert seen.row.item.gps_included is False
    assert reported == [(1, 1)]


@pytest.mark.parametrize("offset", ["+99:99", "-99:99", "+24:00", "rubbish"])
def test_an_offset_of_no_zone_is_none(tmp_path: Path, offset: str) -> None:
    """A day ahead of Greenwich is nowhere: the time is kept, the offset not."""
    found = photo.look(with_exif(tmp_path / "a.jpg", offset=offset))
    assert found.camera.timestamp == "2024-07-02T16:20:00"


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=19), st.text(max_size=6))
def test_what_a_camera_wrote_never_breaks_a_record(
    tmp_path_factory: pytest.TempPathFactory, taken: str, offset: str
) -> None:
    """Whatever the fields hold, the record completed with it is valid."""
    path = with_exif(tmp_path_factory.mktemp("photo") / "a.jpg", taken=taken, offset=offset)
    item = photo.complete(made.item(), photo.look(path).camera)
    assert schema.faults(item.document()) == ()


def test_what_the_worker_would_not_take_is_said(tmp_path: Path) -> None:
    """Missing files, folders, pipes, text, halves of photos and giants each get their reason."""
    whole = made.jpeg(made.scene(1))
    (tmp_path / "text.jpg").write_bytes(b"no photo")
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "large.jpg").write_bytes(whole + bytes(photo.PHOTO_BYTES))
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    names = ["none", "folder", "pipe", "text", "half", "empty", "large", "x" * 300]
    found = {name[:10]: photo.look(tmp_path / f"{name}.jpg") for name in names}
    assert {name: look.rejected for name, look in found.items()} == {
        "none": "missing",
        "folder": "missing",
        "pipe": "missing",
        "text": "unsupported_format",
        "half": "truncated",
        "empty": "empty",
        "large": "too_large",
        "x" * 10: "missing",
    }
    assert all(look.hash is None for look in found.values())


def test_grey_and_transparent_pictures_have_hashes(tmp_path: Path) -> None:
    """Every kind of picture that the worker takes can be compared."""
    scene = Image.fromarray(made.scene(2))
    for name, picture in {"grey": scene.convert("L"), "clear": scene.convert("RGBA")}.items():
        picture.save(tmp_path / f"{name}.png")
        found = photo.look(tmp_path / f"{name}.png")
        assert found.hash is not None
        assert found.hash.dtype == np.uint64
