"""What every output record must be, whatever the test is about."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker

from tests.end_to_end.harness import Seen
from worker.topics import REJECTED, feed

SCHEMAS = Path(__file__).resolve().parent.parent.parent / "schemas"


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.v1.json").read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check_valid(seen: Iterable[Seen]) -> None:
    """Every record is valid by its schema and lies in the topic and partition that it speaks of."""
    for each in seen:
        document = each.document
        kind = "rejection" if each.topic == REJECTED else "prediction"
        _validator(kind).validate(document)
        assert each.partition == document["source"]["partition"]
        assert each.headers["ce_type"] == f"pangaea.{kind}.v1"
        assert each.headers["ce_id"] == f"{document['photo_id']}/{kind}"
        if kind == "prediction":
            assert each.topic == feed(document["decision"])


def check_order(seen: Iterable[Seen]) -> None:
    """Within each output partition source offsets strictly increase."""
    lanes: dict[tuple[str, int], list[int]] = defaultdict(list)
    for each in seen:
        lanes[each.topic, each.partition].append(each.source[2])
    for offsets in lanes.values():
        assert offsets == sorted(set(offsets))
