"""`pangaea data` on the example photos: judged, split and labelled as a user would."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.training.data import made
from training.data.app import app
from training.data.item import FIELDS
from training.places import EXAMPLES
from worker.errors import Refuse
from worker.record import SLUGS

EXAMPLE_ROWS = list(csv.DictReader((EXAMPLES / "manifest.csv").read_text(encoding="utf-8").splitlines()))


def run(*words: object) -> Result:
    """Run a command as the front door would, errors and all."""
    return CliRunner().invoke(app, ["data", *map(str, words)], catch_exceptions=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def figures(path: Path) -> dict[str, Any]:
    """The figures of a command."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_the_examples_hold(tmp_path: Path) -> None:
    """29 photos, complete, licensed, no two alike: exit code 0, and the same in words and figures."""
    done = run("validate", EXAMPLES, "--json", tmp_path / "report.json")
    assert done.exit_code == 0
    assert "The data set holds." in done.stdout
    found = figures(tmp_path / "report.json")
    assert (found["rows"], found["valid"], found["usable"], found["pairs"]) == (29, 29, 29, 0)
    assert found["completeness"]["attribution"] == {"present": 29, "of": 29}
    assert {slug: count["photos"] for slug, count in found["continents"].items()} == {
        slug: sum(row["continent"] == slug for row in EXAMPLE_ROWS) for slug in SLUGS
    }
    for row in EXAMPLE_ROWS:
        assert row["file"] not in done.stdout + json.dumps(found)


def test_splits_are_written_and_hold(tmp_path: Path) -> None:
    """All photos have a split, no group two; what is written is valid again; each source is left out once."""
    out, sources, again = tmp_path / "split.csv", tmp_path / "sources.csv", tmp_path / "again.csv"
    done = run("split", EXAMPLES, "--output", out, "--by-source", sources, "--json", tmp_path / "split.json")
    assert done.exit_code == 0
    found = figures(tmp_path / "split.json")
    assert found["used"] == 29
    assert found["lacks"] == [
        {"split": "validation", "continent": "antarctica", "clusters": 1},
        {"split": "test", "continent": "antarctica", "clusters": 1},
    ]
    assert "validation has no photo of Antarctica" in " ".join(done.stdout.split())
    written = rows_of(out)
    assert list(written[0]) == list(FIELDS)
    by_group: dict[str, set[str]] = {}
    for row in written:
        by_group.setdefault(row["group"], set()).add(row["data_split"])
    assert {len(splits) for splits in by_group.values()} == {1}
    assert set().union(*by_group.values()) == {"train", "validation", "test"}
    folds = rows_of(sources)
    named = {row["image_id"]: row["source"] for row in written}
    assert {row["held_out"] for row in folds} == set(named.values())
    for row in folds:
        assert (row["data_split"] == "test") == (named[row["image_id"]] == row["held_out"])
    assert run("validate", out, "--photos", EXAMPLES).exit_code == 0
    assert run("split", out, "--photos", EXAMPLES, "--output", again).exit_code == 0
    assert again.read_bytes() == out.read_bytes()


def test_labels_and_the_review_list_are_written(tmp_path: Path) -> None:
    """Three photos: one with a label, one that its metadata label, one that a person must look at."""
    rows = [
        made.row("0.jpg", "Europe", lat="48.8566", lon="2.3522"),
        made.row("1.jpg", "", lat="35.0116", lon="135.7681"),
        made.row("2.jpg", ""),
    ]
    made.dataset(tmp_path, rows)
    out, review = tmp_path / "labelled.csv", tmp_path / "review.csv"
    options = ("--output", out, "--review", review, "--json", tmp_path / "label.json")
    done = run("label", tmp_path, *options)
    assert done.exit_code == 0
    assert [row["continent_label"] for row in rows_of(out)] == ["europe", "asia", ""]
    assert [row["label_method"] for row in rows_of(out)] == ["manifest", "gps", ""]
    assert [row["gps_included"] for row in rows_of(out)] == ["true", "true", "false"]
    assert rows_of(review) == [
        {
            "image_id": "2.jpg",
            "question": "no_evidence",
            "continent_label": "",
            "suggestion": "",
            "confidence": "",
        }
    ]
    found = figures(tmp_path / "label.json")
    assert found["labels"] == {"manifest": 1, "gps": 1, "none": 1}
    assert (found["agreement"]["agreed"], found["agreement"]["photos"]) == (1, 1)
    everything = done.stdout + out.read_text() + review.read_text() + json.dumps(found)
    assert [secret for secret in ("48.8", "2.35", "35.0", "135.7") if secret in everything] == []
    assert run("label", tmp_path, *options, "--no-gps").exit_code == 0
    assert figures(tmp_path / "label.json")["review"] == {"no_evidence": 2}
    assert "nothing says how good" in run("label", tmp_path, *options, "--no-gps").stdout.replace("\n", " ")


def test_errors_end_with_one(tmp_path: Path) -> None:
    """A data set that does not hold is said to be so by the exit code, too."""
    made.manifest(tmp_path, [made.row("gone.jpg")])
    done = run("validate", tmp_path)
    assert done.exit_code == 1
    assert "does not hold" in done.stdout


def test_what_cannot_be_done_is_refused_with_the_mend(tmp_path: Path) -> None:
    """No photo to split, one source to leave out, too much made by generators, nowhere to write."""
    out = tmp_path / "out.csv"
    made.manifest(tmp_path, [made.row("gone.jpg")])
    with pytest.raises(Refuse, match="no photo can be used"):
        run("split", tmp_path, "--output", out)
    made.dataset(tmp_path, [made.row(f"{n}.jpg") for n in range(3)])
    with pytest.raises(Refuse, match="needs two of them"):
        run("split", tmp_path, "--output", out, "--by-source", tmp_path / "s.csv")
    with pytest.raises(Refuse, match="cannot be written"):
        run("validate", tmp_path, "--json", tmp_path / "no" / "report.json")
    rows = [made.row(f"{n}.jpg", label_method="synthetic" if n < 2 else "") for n in range(10)]
    made.dataset(tmp_path, rows)
    with pytest.raises(Refuse, match="20% of the photos are synthetic"):
        run("split", tmp_path, "--output", out)


def test_no_file_is_written_over_another(tmp_path: Path) -> None:
    """The manifest that is read keeps what no record holds; two results never share a name."""
    rows = [made.row(f"{n}.jpg", lat="48.8566", lon="2.3522") for n in range(3)]
    path = made.dataset(tmp_path, rows)
    before, out = path.read_bytes(), tmp_path / "out.csv"
    for words in (
        ("split", tmp_path, "--output", path),
        ("split", path, "--output", out, "--by-source", path),
        ("label", path, "--output", out, "--review", out),
        ("label", path, "--output", out, "--review", tmp_path / "r.csv", "--json", tmp_path / "." / "r.csv"),
    ):
        with pytest.raises(Refuse, match="over another"):
            run(*words)
    assert path.read_bytes() == before
    assert not out.exists()


def test_photos_that_cannot_be_used_are_in_no_split(tmp_path: Path) -> None:
    """Unlabelled, broken, sensitive and invalid rows are left out and counted; synthetic ones train."""
    rows = [made.row(f"{n}.jpg", group=f"g{n}", label_method="", sensitive="") for n in range(30)]
    rows[0]["continent"] = ""
    rows[1]["path"] = "gone.jpg"
    rows[2]["sensitive"] = "yes"
    rows[3]["licence"] = ""
    rows[4]["label_method"] = rows[5]["label_method"] = "synthetic"
    made.dataset(tmp_path, rows)
    (tmp_path / "gone.jpg").unlink()
    out = tmp_path / "split.csv"
    assert run("split", tmp_path, "--output", out, "--json", tmp_path / "split.json").exit_code == 0
    found = figures(tmp_path / "split.json")
    assert found["left_out"] == {"invalid": 1, "missing": 1, "no_label": 1, "sensitive": 1}
    assert found["used"] == 26
    assert [row["data_split"] for row in rows_of(out)][:5] == ["", "", "", "train", "train"]


@pytest.mark.parametrize("command", ["validate", "split", "label"])
def test_help_has_an_example(command: str) -> None:
    """Every command shows how it is called."""
    assert f"pangaea data {command} examples/photos" in " ".join(run(command, "--help").stdout.split())
