"""Manifests become records: columns mapped, rows checked, coordinates left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.data import made
from training.data import columns, manifest, schema
from training.data.item import FIELDS, SPLITS, Item
from worker.errors import Refuse
from worker.record import DISPLAY_NAMES, SLUGS

PLACE = {"lat": "48.8584", "lon": "2.2945"}


def read_one(folder: Path, **cells: str) -> manifest.Row:
    """The one row of a manifest in the shared style."""
    return manifest.read(made.manifest(folder, [made.row("a.jpg", **cells)])).rows[0]


def test_shared_manifests_are_understood(tmp_path: Path) -> None:
    """path, continent, licence and source_repo become the schema's fields; the rest gets its default."""
    row = read_one(tmp_path, continent="North America", source_repo="openstax/osbooks-writing-guide", **PLACE)
    assert row.item == made.item(
        image_id="a.jpg",
        continent_label="north-america",
        source="openstax",
        attribution="A. Example",
        group="a.jpg",
        gps_included=True,
    )
    assert row.hints.coordinates == (48.8584, 2.2945)


def test_every_alias_leads_to_a_field() -> None:
    """No column is read into nothing."""
    assert set(columns.ALIASES.values()) == {*FIELDS, *columns.HINTS}


@pytest.mark.parametrize("slug", SLUGS)
def test_continents_are_taken_by_name_and_by_slug(slug: str) -> None:
    """However a continent is written, it is the same one."""
    for cell in (slug, DISPLAY_NAMES[slug], DISPLAY_NAMES[slug].upper(), slug.replace("-", "_")):
        assert columns.value("continent_label", cell) == slug


def test_namibia_is_no_missing_value(tmp_path: Path) -> None:
    """The letters NA are letters."""
    row = read_one(tmp_path, group="NA", attribution="NA")
    assert row.item is not None
    assert (row.item.group, row.item.attribution) == ("NA", "NA")


def test_an_unlabelled_photo_has_no_method(tmp_path: Path) -> None:
    """Without a continent nothing is said of where the label is from."""
    row = read_one(tmp_path, continent="")
    assert row.item is not None
    assert (row.item.continent_label, row.item.label_method) == (None, None)


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ({"continent": "Atlantis"}, ("continent_label",)),
        ({"licence": ""}, ("license",)),
        ({"path": "../a.jpg"}, ("group", "image_id")),
        ({"path": ""}, ("group", "image_id")),
    ],
    ids=str,
)
def test_a_row_that_breaks_the_schema_has_no_record(
    tmp_path: Path, cells: dict[str, str], faults: tuple[str, ...]
) -> None:
    """It is kept, with the fields that are wrong, and its number."""
    path = made.manifest(tmp_path, [made.row("ok.jpg"), made.row("a.jpg") | cells])
    good, bad = manifest.read(path).rows
    assert good.item is not None
    assert bad.item is None
    assert bad.number == 2
    assert set(bad.faults) <= set(faults)
    assert set(bad.faults) & set(faults)


def test_a_second_row_of_a_photo_has_no_record(tmp_path: Path) -> None:
    """One photo has one record; lines of another length than the headings have none."""
    path = made.manifest(tmp_path, [made.row("a.jpg"), made.row("a.jpg", "Asia")])
    with path.open("a", encoding="utf-8") as file:
        file.write("b.jpg,too,short\n\n")
    rows = manifest.read(path).rows
    assert [row.faults for row in rows] == [(), ("image_id",), ("row",)]
    assert [row.item is None for row in rows] == [False, True, True]


def test_coordinates_are_seen_and_never_kept(tmp_path: Path) -> None:
    """Neither what is written nor any repr holds a coordinate, a caption or what a camera wrote."""
    cells = PLACE | {"ce_captiontext": "at the tower", "timestamp": "2024:07:02 16:20:00", "camera": "X100V"}
    row = read_one(tmp_path, **cells)
    assert row.item is not None
    assert row.item.timestamp == "2024-07-02T16:20:00"
    shown = repr(row) + repr(row.item)
    assert [secret for secret in ("48.8", "2.29", "tower", "16:20", "X100V") if secret in shown] == []
    manifest.write(tmp_path / "out.csv", [row.item])
    written = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert [secret for secret in ("48.8", "2.29", "tower") if secret in written] == []
    assert written.splitlines()[0] == ",".join(FIELDS)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=20
)
ITEMS = st.builds(
    made.item,
    image_id=TEXT.filter(lambda name: not schema.faults(made.item(image_id=name).document())),
    group=TEXT,
    license=TEXT,
    attribution=st.none() | TEXT.map(lambda text: f'"{text}",\n;{text}'),
    source=st.none() | TEXT.map(columns.source_of),
    data_split=st.none() | st.sampled_from(SPLITS),
    label_method=st.sampled_from(["manifest", "reviewed"]),
    label_confidence=st.none() | st.floats(0, 1),
    gps_included=st.booleans(),
    sensitive=st.none() | st.booleans(),
    timestamp=st.none() | st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=4, unique_by=lambda each: each.image_id))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, items: list[Item]) -> None:
    """Whatever a record holds, its row says the same: quotes, commas, line ends, all letters."""
    path = tmp_path_factory.mktemp("manifest") / "m.csv"
    manifest.write(path, items)
    assert [row.item for row in manifest.read(path).rows] == items


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"continent,group\nEurope,g\n", "names no photos"),
        (b"", "names no photos"),
        (b"path,image_id\na,b\n", "two columns for image_id"),
        (b"path\n\xff\xfe\n", "is not UTF-8"),
        (b'path\n"never closed\n', "is not a CSV"),
        (b"path\n" + b"x" * 200_000 + b"\n", "is not a CSV"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """One sentence with the mend, and exit code 2."""
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(Refuse, match=message) as refusal:
        manifest.read(tmp_path / "m.csv")
    assert refusal.value.exit_code == 2


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes and rows are bounded, and a file that is not there, or cannot be written, is said so."""
    path = made.manifest(tmp_path, [made.row(f"{n}.jpg") for n in range(3)])
    monkeypatch.setattr(manifest, "MOST_ROWS", 2)
    with pytest.raises(Refuse, match="more than 2 rows"):
        manifest.read(path)
    monkeypatch.setattr(manifest, "MOST_BYTES", 10)
    with pytest.raises(Refuse, match="larger than"):
        manifest.read(path)
    with pytest.raises(Refuse, match="cannot be read"):
        manifest.read(tmp_path / "nothing")
    with pytest.raises(Refuse, match="cannot be written"):
        manifest.write(tmp_path / "nothing" / "m.csv", [])


def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    """Spreadsheets put one before the first heading."""
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbfpath,licence\na.jpg,mine\n")
    (row,) = manifest.read(tmp_path).rows
    assert row.item is not None
    assert row.item.image_id == "a.jpg"
