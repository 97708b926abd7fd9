"""What `pangaea publish` takes from disk, before any broker is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.clients.manifest import load
from worker.clients.media import content_type_of
from worker.clients.publish import Metadata, Publisher, photos_in
from worker.errors import Refuse, Reject
from worker.settings import KafkaSettings, LimitSettings

NOWHERE = KafkaSettings(bootstrap="127.0.0.1:1")


def test_folders_are_searched_and_files_taken_as_given(tmp_path: Path) -> None:
    """From folders come photos by suffix, sorted and not hidden; a named file is taken as it is."""
    for name in ("b/2.JPG", "b/1.png", "a.webp", "notes.txt", ".hidden/3.jpg", "b/._4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    notes = tmp_path / "notes.txt"
    names = [str(path.relative_to(tmp_path)) for path in photos_in([tmp_path, notes])]
    assert names == ["a.webp", "b/1.png", "b/2.JPG", "notes.txt"]


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "x.png", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "", "image/png"),
        (b"GIF89a", "", "image/gif"),
        (b"II*\x00", "", "image/tiff"),
        (b"RIFF\x00\x00\x00\x00WEBP", "", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "x", "application/octet-stream"),
        (b"<html>", "x.jpg", "image/jpeg"),
        (b"", "", "application/octet-stream"),
    ],
)
def test_media_type_is_read_from_bytes_then_name(data: bytes, name: str, media_type: str) -> None:
    """The first bytes decide, the suffix only where they say nothing."""
    assert content_type_of(data, name=name) == media_type


@pytest.mark.parametrize(
    ("payload", "metadata", "reason"),
    [
        (b"", Metadata(), "empty"),
        (b"x" * 1_025, Metadata(), "too_large"),
        (b"x", Metadata(caption=""), "bad_event"),
        (b"x", Metadata(timezone="UTC\n"), "bad_event"),
        (b"x", Metadata(caption="x" * 20_000), "bad_event"),
    ],
)
def test_what_the_worker_would_reject_is_not_sent(payload: bytes, metadata: Metadata, reason: str) -> None:
    """A photo or metadata that the worker would reject unseen is refused here, with the worker's own code."""
    publisher = Publisher(NOWHERE, limit=LimitSettings(photo_bytes=1_024))
    with pytest.raises(Reject) as caught:
        publisher.send(payload, metadata=metadata)
    assert caught.value.reason == reason


def test_manifest_gives_metadata_by_file(tmp_path: Path) -> None:
    """Rows are matched by path from the manifest's folder; empty cells say nothing."""
    (tmp_path / "m.csv").write_text(
        "file,ce_captiontext,timezone,continent,key\n"
        "sub/a.jpg,A bridge,Africa/Nairobi,africa,\n"
        "b.jpg,,,asia,k\n",
        encoding="utf-8-sig",
    )
    manifest = load(tmp_path / "m.csv", key="all")
    assert manifest.of(tmp_path / "sub" / "a.jpg") == Metadata(
        caption="A bridge", timezone="Africa/Nairobi", key="all"
    )
    assert manifest.of(tmp_path / "b.jpg") == Metadata(key="k")
    assert manifest.of(tmp_path / "c.jpg") == Metadata(key="all")
    assert manifest.unmatched([tmp_path / "b.jpg"]) == 1


@pytest.mark.parametrize("text", ["", "name,captiontext\n", "file,continent\n", "\x00\n", "file;timezone\n"])
def test_what_is_no_manifest_is_bad_usage(tmp_path: Path, text: str) -> None:
    """A CSV without the columns is refused with exit code 2 and a sentence that names them."""
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(Refuse) as caught:
        load(path)
    assert caught.value.exit_code == 2
