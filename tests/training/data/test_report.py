"""The validation report finds each kind of trouble, and nothing in a data set that is in order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from local.install import silent
from tests.training.data import made
from training.data import bias, corpus, report
from training.data.item import SPLITS
from worker.record import SLUGS

Rows = list[dict[str, str]]
CONTINENTS = ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America")


def good() -> Rows:
    """Rows of a data set in order: every continent from three sources, one split each."""
    return [
        made.row(
            f"{n}.jpg",
            CONTINENTS[n % 7],
            source_repo=f"s{n // 7}",
            group=f"g{n}",
            data_split=SPLITS[n // 7],
            label_method="reviewed",
            sensitive="no",
        )
        for n in range(21)
    ]


def validated(folder: Path, rows: Rows) -> report.Report:
    """The report on a manifest whose photos are there."""
    return report.validate(corpus.study(made.manifest(folder, rows), photos=None, meter=silent))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photos."""
    made.dataset(tmp_path, good())
    return tmp_path


def found(one: report.Report) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The findings by their code."""
    return {finding.code: (finding.what, finding.rows) for finding in one.findings}


def test_a_data_set_in_order_has_no_findings(folder: Path) -> None:
    """Nothing is found, everything is counted, and the report is JSON."""
    result = validated(folder, good())
    assert result.findings == ()
    assert result.holds
    assert (result.rows, result.valid, result.readable, result.usable) == (21, 21, 21, 21)
    assert (result.groups, result.clusters, result.pairs) == (21, 21, 0)
    assert result.continents["oceania"] == report.Count(photos=3, groups=3, sources=3)
    assert result.splits["test"]["asia"] == 1
    assert result.completeness["license"] == 21
    assert result.completeness["camera_model"] == 0
    document = json.loads(json.dumps(result.document()))
    assert document["licences"]["open"] == {"photos": 21, "share": 1.0, "target": 0.6}
    assert list(result.bias.notes()) == []


def same_picture(folder: Path, rows: Rows) -> None:
    """The ninth photo is the second's, mirrored."""
    mirrored = Image.open(folder / "1.jpg").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(folder / "8.jpg")
    rows[8]["continent"] = rows[1]["continent"]


def other_label(folder: Path, rows: Rows) -> None:
    """The third photo is the second's, said to be of another continent."""
    Image.open(folder / "1.jpg").resize((100, 75)).save(folder / "2.jpg")
    del rows


def copied(folder: Path, rows: Rows) -> None:
    """The third photo is the second's file, with its label and split."""
    shutil.copyfile(folder / "1.jpg", folder / "2.jpg")
    rows[2]["continent"] = rows[1]["continent"]


def broken_file(folder: Path, rows: Rows) -> None:
    """A photo is cut off."""
    (folder / "4.jpg").write_bytes((folder / "4.jpg").read_bytes()[:500])
    del rows


def edit(number: int, **cells: str) -> Callable[[Path, Rows], None]:
    """Change the cells of a row."""

    def change(folder: Path, rows: Rows) -> None:
        rows[number] |= cells
        del folder

    return change


@pytest.mark.parametrize(
    ("breaking", "code", "what", "rows"),
    [
        (edit(3, continent="Atlantis"), "invalid", "continent_label", (4,)),
        (edit(3, path="2.jpg"), "invalid", "image_id", (4,)),
        (edit(3, path="gone.jpg"), "file", "missing", (4,)),
        (broken_file, "file", "truncated", (5,)),
        (same_picture, "near_duplicate_across_splits", "data_split", (2, 9)),
        (other_label, "near_duplicate_of_other_label", "continent_label", (2, 3)),
        (copied, "exact_duplicate", "file", (2, 3)),
        (edit(9, group="g0"), "group_across_splits", "data_split", (1, 10)),
        (edit(5, licence="CC BY-NC 4.0"), "restricted_licence", "license", (6,)),
        (edit(5, licence="see site"), "unknown_licence", "license", (6,)),
        (edit(5, sensitive="yes"), "sensitive", "sensitive", (6,)),
        (
            edit(5, continent="", label_method="", data_split=""),
            "no_label",
            "continent_label",
            (6,),
        ),
    ],
)
def test_each_trouble_is_found(
    folder: Path, breaking: Callable[[Path, Rows], None], code: report.Code, what: str, rows: tuple[int, ...]
) -> None:
    """One thing is broken: that and nothing else is found, in the rows that have it."""
    listed = good()
    breaking(folder, listed)
    result = validated(folder, listed)
    assert found(result) == {code: (what, rows)}
    assert result.holds == (code not in report.ERRORS)


def test_a_tenth_may_be_synthetic(folder: Path) -> None:
    """Two of 21 may be made by a generator; three are more than a tenth."""
    rows = good()
    rows[0]["label_method"] = rows[1]["label_method"] = "synthetic"
    assert validated(folder, rows).holds
    rows[2]["label_method"] = "synthetic"
    result = validated(folder, rows)
    assert found(result) == {"synthetic_share": ("label_method", (1, 2, 3))}
    assert not result.holds


def test_the_report_names_no_file(folder: Path) -> None:
    """Rows have numbers; names of files, groups and places stay where they are."""
    rows = good()
    rows[3] |= {"lat": "48.858400", "lon": "2.294500", "group": "canary-group", "path": "gone-canary.jpg"}
    result = validated(folder, rows)
    text = json.dumps(result.document()) + repr(result)
    assert [word for word in ("canary", "48.8", "2.29", ".jpg") if word in text] == []


def test_leanings_are_measured() -> None:
    """Golden: four Asian photos and a European one of source a, a European one of b that GPS labelled."""
    items = [made.item(n, continent_label="asia", source="a") for n in range(4)]
    items += [
        made.item(4, source="a"),
        made.item(5, source="b", gps_included=True, label_method="gps", label_confidence=0.97),
    ]
    lean = bias.measure([*items, made.item(6, continent_label=None, label_method=None)])
    assert lean.imbalance == pytest.approx(2)
    assert lean.largest_source == pytest.approx(5 / 6)
    assert lean.majority == pytest.approx(4 / 6)
    assert lean.source_tells == pytest.approx(5 / 6)
    assert lean.few_sources == ("asia",)
    assert lean.absent == ("africa", "antarctica", "north-america", "oceania", "south-america")
    assert lean.gps["europe"] == pytest.approx(0.5)
    assert lean.gps["asia"] == 0
    assert lean.gps["africa"] is None
    assert lean.from_metadata == pytest.approx(1 / 6)
    assert lean.looked_at == 0
    assert len(list(lean.notes())) == 7


def test_nothing_leans_nowhere() -> None:
    """A data set without a label has no leanings, and dividing by it harms nobody."""
    lean = bias.measure([])
    assert lean.majority is None
    assert lean.absent == SLUGS


def test_rows_refer_to_photos_in_the_manifest(folder: Path) -> None:
    """Pairs and clusters are by place in `seen` even where rows before them are not valid."""
    rows = good()
    rows[0]["licence"] = ""
    shutil.copyfile(folder / "12.jpg", folder / "13.jpg")
    studied = corpus.study(made.manifest(folder, rows), photos=None, meter=silent)
    assert studied.near.tolist() == [[11, 12]]
    assert [studied.seen[place].row.number for place in (11, 12)] == [13, 14]
    assert studied.cluster[11] == studied.cluster[12]
    assert len(np.unique(studied.cluster)) == 19
