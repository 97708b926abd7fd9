"""`schemas/dataset.v1.json`: what a record may be, and where one differs from it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from training.places import ROOT


@cache
def validator() -> Draft202012Validator:
    """The schema's validator, read once."""
    path = ROOT / "schemas" / "dataset.v1.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def faults(document: dict[str, Any]) -> tuple[str, ...]:
    """The fields in which a record is not what the schema allows, in alphabetical order.

    Fields alone: a validator's own message would repeat the value. A field too many or too few is a fault of
    the whole `row`.
    """
    wrong = set()
    for error in validator().iter_errors(document):
        wrong.add(str(error.absolute_path[0]) if error.absolute_path else "row")
    return tuple(sorted(wrong))
