"""The JSON Schemas say exactly what the worker writes and reads."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.worker import samples
from worker.errors import Reject
from worker.finish.document import prediction_document, rejection_document
from worker.finish.document import sentence as worded
from worker.finish.recipe import Recipe
from worker.prepare.event import read
from worker.record import (
    DISPLAY_NAMES,
    NO_EVIDENCE,
    SLUGS,
    Conflict,
    Decision,
    Estimate,
    Moment,
    Photo,
    Rejection,
    RejectReason,
    Source,
    UndeterminedReason,
)
from worker.settings import LimitSettings

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
RECORDS = ("photo.v1", "prediction.v1", "rejection.v1", "drift.v1")
NAMES = (*RECORDS, "dataset.v1")
PHOTO = Photo(
    source=Source("photos", 1, 2),
    photo_id="a1",
    key=None,
    payload=b"",
    dataref=None,
    traceparent=None,
    begun=100.0,
    deadline=100.2,
)


def load(name: str) -> dict[str, Any]:
    """One schema, parsed."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return schema


def validator(name: str) -> Draft202012Validator:
    """A validator that checks formats too."""
    return Draft202012Validator(load(name), format_checker=FormatChecker())


def nodes(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every JSON object inside a document with its path."""
    if isinstance(node, dict):
        yield path, node
        for name, child in node.items():
            yield from nodes(child, (*path, name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from nodes(child, (*path, str(index)))


def test_every_schema_is_tested() -> None:
    """The folder holds these and no others."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_and_its_examples_validate(name: str) -> None:
    """Each file is JSON Schema 2020-12 under its own identity, and its examples are what it describes."""
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:pangaea:schema:{name}"
    assert schema["examples"]
    for example in schema["examples"]:
        validator(name).validate(example)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described_and_every_reference_resolves(name: str) -> None:
    """No property is left without a description, and no $ref points nowhere."""
    schema = load(name)
    for path, node in nodes(schema):
        if "examples" in path:
            continue
        reference = node.get("$ref")
        if isinstance(reference, str):
            assert reference.removeprefix("#/$defs/") in schema["$defs"], reference
        in_condition = {"if", "then", "else"} & set(path)
        if len(path) > 1 and path[-2] == "properties" and not in_condition:
            target = schema["$defs"][reference.removeprefix("#/$defs/")] if reference else {}
            assert node.get("description") or target.get("description"), path


@pytest.mark.parametrize("name", [*RECORDS[1:], "dataset.v1"])
def test_output_records_are_strict(name: str) -> None:
    """Every object lists all its fields as required and allows no other."""
    for path, node in nodes(load(name)):
        if node.get("type") == "object" and "examples" not in path:
            assert node["additionalProperties"] is False
            assert sorted(node["required"]) == sorted(node["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_broken_variants_fail(name: str) -> None:
    """Without any one required field, or (outputs) with one more, or with a wrong type, an example fails."""
    schema, check = load(name), validator(name)
    example = schema["examples"][0]
    for field in schema["required"]:
        broken = copy.deepcopy(example)
        del broken[field]
        assert not check.is_valid(broken), f"without {field}"
        broken = copy.deepcopy(example)
        broken[field] = {"latitude": 1.0}
        assert not check.is_valid(broken), f"{field} of a wrong type"
    for path, _ in nodes(example):
        broken = copy.deepcopy(example)
        place = broken
        for step in path:
            place = place[step]
        place["latitude"] = 1.0
        assert not check.is_valid(broken), f"one field more under {path}"


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "conflict"},
        {"decision": "undetermined"},
        {"decision": "atlantis"},
        {"decision": "undetermined", "reason": "because"},
        {"decision": "undetermined", "reason": None},
        {"time": "2026-11-21 09:00:00"},
        {"time": "2026-13-21T09:00:00.000Z"},
        {"region": {"name": "Bavaria"}},
        {"photo_id": ""},
        {"notes": [1]},
        {"fused": {"europe": 1.0}},
    ],
    ids=str,
)
def test_contradictory_predictions_fail(change: dict[str, object]) -> None:
    """A reason beside a continent, none beside undetermined, or a value out of its range is caught."""
    check = validator("prediction.v1")
    example = load("prediction.v1")["examples"][0]
    if change.get("time") == "2026-13-21T09:00:00.000Z" and "date-time" not in FormatChecker.checkers:
        pytest.skip("this environment has no date-time checker")
    assert check.is_valid(example)
    assert not check.is_valid(example | change)


def test_fused_probabilities_and_streams_have_their_place() -> None:
    """The fields that are null in this version take what DESIGN says they will hold."""
    example = load("prediction.v1")["examples"][0]
    example["fused"] = dict.fromkeys(SLUGS, 1 / 7)
    example["conflict"] = {"flag": True, "score": 0.9, "pixels": 0.2, "metadata": 0.9}
    example["evidence"] = {
        "gps_continent": "asia",
        "streams": {"clock": {"present": True, "quality": 0.7, "weight": 0.3}},
    }
    example["calibration"] |= {"status": "suspended", "since": "2026-11-21T08:00:00.000Z"}
    validator("prediction.v1").validate(example)
    example["evidence"]["streams"]["clock"]["longitude"] = 1.0
    assert not validator("prediction.v1").is_valid(example)


def test_codes_and_slugs_are_those_of_the_worker() -> None:
    """One source of names: the schemas' enumerations equal the worker's types, in the worker's order."""
    prediction, rejection, drift = (load(name) for name in RECORDS[1:])
    fields = prediction["properties"]
    assert tuple(prediction["$defs"]["slug"]["enum"]) == SLUGS == tuple(drift["$defs"]["slug"]["enum"])
    assert fields["decision"]["enum"] == [*SLUGS, "undetermined"]
    assert fields["reason"]["enum"] == [*get_args(UndeterminedReason), None]
    assert tuple(fields["continents"]["properties"]) == SLUGS == tuple(fields["stage1"]["properties"])
    assert rejection["properties"]["reason"]["enum"] == list(get_args(RejectReason))
    for schema, codes in ((prediction, get_args(UndeterminedReason)), (rejection, get_args(RejectReason))):
        assert all(f"{code}:" in schema["properties"]["reason"]["description"] for code in codes)


def test_limits_are_those_of_the_settings() -> None:
    """What the photo's schema says of sizes is what the worker enforces by default."""
    limits, settings = load("photo.v1")["x-limits"], LimitSettings()
    assert (limits["bytes"], limits["pixels"], limits["side"]) == (
        settings.photo_bytes,
        settings.pixels,
        settings.side,
    )


def test_examples_are_true_to_themselves() -> None:
    """Probabilities sum to 1, lie in their intervals, agree with sentence and signals."""
    for example in load("prediction.v1")["examples"]:
        estimates = {slug: Estimate(**values) for slug, values in example["continents"].items()}
        assert sum(each.p for each in estimates.values()) == pytest.approx(1, abs=1e-6)
        assert all(each.low <= each.p <= each.high for each in estimates.values())
        assert worded(estimates) == example["sentence"]
        assert {slug: each.p for slug, each in estimates.items()} == (example["fused"] or example["stage1"])
        first, second, *_ = sorted((each.p for each in estimates.values()), reverse=True)
        assert example["signals"]["margin"] == pytest.approx(first - second, abs=1e-4)
        assert all(DISPLAY_NAMES[slug] in example["sentence"] for slug in SLUGS)


@pytest.mark.parametrize(
    "decision", [Decision(slug="asia", reason=None), Decision(slug="undetermined", reason="conflict")]
)
@pytest.mark.parametrize("recipe", [samples.recipe(), samples.recipe(fused=None)], ids=["fused", "image"])
@pytest.mark.parametrize("changes", [{}, {"fused": None, "evidence": NO_EVIDENCE}], ids=["told", "untold"])
def test_the_workers_documents_validate(decision: Decision, recipe: Recipe, changes: dict[str, Any]) -> None:
    """What the worker serialises, through its own JSON library, is a valid prediction or rejection."""
    estimate = Estimate(p=1 / 7, low=0.1, high=0.2)
    prediction = samples.prediction(
        photo=PHOTO, decision=decision, continents=dict.fromkeys(SLUGS, estimate), **changes
    )
    document = prediction_document(
        prediction, recipe, now=Moment(wall=1_763_715_600.03, steady=100.03), budget_ms=200
    )
    validator("prediction.v1").validate(orjson.loads(orjson.dumps(document)))
    rejection = rejection_document(Rejection(photo=PHOTO, reason="empty", detail="Nothing."))
    validator("rejection.v1").validate(orjson.loads(orjson.dumps(rejection)))


def test_scores_of_conflict_are_published_in_two_digits() -> None:
    """The flag was decided on all digits; more of them would tell what the metadata were."""
    conflict = Conflict(pixels=0.954321, metadata=0.123456, flag=True)
    document = prediction_document(
        samples.prediction(photo=PHOTO, conflict=conflict),
        samples.recipe(),
        now=Moment(wall=1_763_715_600.03, steady=100.03),
        budget_ms=200,
    )
    assert document["conflict"] == {"flag": True, "score": 0.95, "pixels": 0.95, "metadata": 0.12}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"ce_specversion": "0.3"},
        {"ce_type": "com.example.photo"},
        {"ce_id": ""},
        {"ce_id": "x" * 257},
        {"ce_id": "é" * 256},
        {"ce_source": None},
        {"ce_time": "yesterday"},
        {"ce_time": "2026-11-21T10:00:00+01:00"},
        {"ce_time": "2026-11-21T10:00:00"},
        {"ce_time": "2026-11-21T25:00:00Z"},
        {"content-type": None},
        {"ce_captiontext": ""},
        {"ce_captiontext": "two\nlines"},
        {"ce_captiontext": "x" * 16_385},
        {"ce_timezone": "Africa/Nairobi"},
        {"ce_subject": "unknown to Pangaea"},
    ],
    ids=str,
)
def test_schema_and_worker_agree_on_events(change: dict[str, str | None]) -> None:
    """The worker takes exactly those headers that the photo's schema takes; None leaves a header out."""
    example: dict[str, str | None] = load("photo.v1")["examples"][0] | change
    headers = {name: value for name, value in example.items() if value is not None}
    try:
        read(PHOTO.source, [(name, value.encode()) for name, value in headers.items()])
        taken = True
    except Reject:
        taken = False
    assert validator("photo.v1").is_valid(headers) == taken
