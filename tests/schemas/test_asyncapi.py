"""The AsyncAPI document is valid, whole, and describes the topics that `pangaea topics create` makes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from worker.topics import layout

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "schemas"
DATASET = "dataset.v1.json"
"""The record of a labelled photo: it stands in manifests and travels through no topic."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document, parsed."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    """The official schema of AsyncAPI 3.0.0 documents."""
    return Draft7Validator(json.loads((HERE / "asyncapi" / "3.0.0.json").read_text()))


def test_document_is_asyncapi_3(document: dict[str, Any], official: Draft7Validator) -> None:
    """The document passes the official schema, Kafka bindings included."""
    official.validate(document)


def test_official_schema_catches_errors(document: dict[str, Any], official: Draft7Validator) -> None:
    """The validation bites: a wrong action, an unknown field and a wrong binding are refused."""
    for path, value in (
        (("operations", "takePhotos", "action"), "devour"),
        (("channels", "photos", "colour"), "green"),
        (("channels", "photos", "bindings", "kafka", "partitions"), -1),
        (("components", "messages", "drift", "bindings", "kafka", "key"), 7),
    ):
        broken = copy.deepcopy(document)
        place = broken
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not official.is_valid(broken), path


def references(node: object) -> Iterator[str]:
    """Every $ref in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    """Inside the document and out to the files beside it, every $ref points at something."""
    found = list(references(document))
    assert {reference for reference in found if reference.startswith("./")} == {
        f"./{path.name}" for path in FOLDER.glob("*.json") if path.name != DATASET
    }
    for reference in found:
        if reference.startswith("./"):
            continue
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def addresses(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Channels by topic name, parameters filled in."""
    filled: dict[str, dict[str, Any]] = {}
    for channel in document["channels"].values():
        slugs = channel.get("parameters", {}).get("slug", {}).get("enum", [""])
        for slug in slugs:
            filled[channel["address"].replace("{slug}", slug)] = channel
    return filled


def test_channels_are_the_topics_with_their_settings(document: dict[str, Any]) -> None:
    """Names, partitions, retention and size limits equal those of the layout."""
    channels = addresses(document)
    topics = {topic.name: topic for topic in layout(partitions=6)}
    assert channels.keys() == topics.keys()
    for name, topic in topics.items():
        binding = channels[name]["bindings"]["kafka"]
        assert binding["partitions"] == topic.partitions
        assert {key: str(value) for key, value in binding["topicConfiguration"].items()} == topic.config
        assert binding.get("topic", name) == name
