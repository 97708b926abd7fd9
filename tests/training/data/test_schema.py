"""The data set's schema is strict, and says of each field what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.training.data.made import item
from training.data import schema
from training.data.item import FIELDS
from training.places import ROOT
from worker.record import SLUGS

SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "dataset.v1.json").read_text(encoding="utf-8"))
EXAMPLES: list[dict[str, Any]] = SCHEMA["examples"]


def test_the_schema_is_valid_and_so_are_its_examples() -> None:
    """It is JSON Schema 2020-12 under its own name, and its examples are what it describes."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:pangaea:schema:dataset.v1"
    assert [schema.faults(example) for example in EXAMPLES] == [(), ()]


def test_every_field_is_there_described_and_required() -> None:
    """The record's fields are the schema's, in its order; none has room for a coordinate; the slugs agree."""
    assert tuple(SCHEMA["properties"]) == FIELDS == tuple(SCHEMA["required"])
    assert all(field["description"] for field in SCHEMA["properties"].values())
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["continent_label"]["enum"] == [*SLUGS, None]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_missing_or_of_a_wrong_type_fails(name: str) -> None:
    """No field may be left out, and none takes an object."""
    without = {field: value for field, value in EXAMPLES[0].items() if field != name}
    assert "row" in schema.faults(without)
    assert schema.faults(EXAMPLES[0] | {"latitude": 48.85}) == ("row",)
    assert name in schema.faults(EXAMPLES[0] | {name: {"latitude": 1.0}})


@pytest.mark.parametrize(
    "change",
    [
        {"latitude": 48.85},
        {"image_id": "../secret.jpg"},
        {"image_id": "a/../../secret.jpg"},
        {"image_id": "/etc/passwd"},
        {"image_id": "C:/secret.jpg"},
        {"image_id": "a\\b.jpg"},
        {"image_id": "a\x00.jpg"},
        {"continent_label": "Europe"},
        {"timestamp": "2024-02-30 12:00"},
        {"timestamp": "2024-13-01T12:00:00"},
        {"license": ""},
        {"label_confidence": 1.5},
        {"label_method": "guess"},
        {"label_method": None},
        {"continent_label": None},
        {"label_confidence": None},
        {"data_split": "dev"},
        {"label_method": "synthetic", "data_split": "test"},
        {"consent_basis": None},
        {"sensitive": "no"},
    ],
    ids=str,
)
def test_a_contradiction_fails(change: dict[str, Any]) -> None:
    """Paths out of the folder, a label without its method, a synthetic photo to judge with: caught."""
    assert schema.faults(EXAMPLES[0] | change)


@pytest.mark.parametrize("image_id", ["..jpg", "a..b/c.jpg", "été/北京.jpg", "a b.jpg", ".hidden.jpg"])
def test_an_ordinary_path_passes(image_id: str) -> None:
    """Dots, spaces and letters of the world are no way out of a folder."""
    assert schema.faults(EXAMPLES[0] | {"image_id": image_id}) == ()


def test_faults_name_fields_and_no_values() -> None:
    """What is wrong is told without repeating it, or a report would tell what nobody should read."""
    assert schema.faults(item().document() | {"image_id": "/secret", "sensitive": 3}) == (
        "image_id",
        "sensitive",
    )
