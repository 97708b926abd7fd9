"""Small values that several tests of the worker need."""

from __future__ import annotations

from worker.finish.recipe import Recipe
from worker.record import SLUGS, Outcome, Photo, Rejection, Source


def photo(offset: int = 0, partition: int = 0, **changes: object) -> Photo:
    """A photo at an offset, with anything about it changed."""
    values: dict[str, object] = {
        "source": Source("photos", partition, offset),
        "photo_id": f"id-{partition}-{offset}",
        "key": None,
        "payload": b"",
        "dataref": None,
        "traceparent": None,
        "begun": 100.0,
        "deadline": 100.2,
    }
    return Photo(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes


def outcome(offset: int, partition: int = 0, detail: str = "Nothing.") -> Outcome:
    """An outcome that can be told apart by its source and its detail."""
    return Rejection(photo=photo(offset, partition), reason="empty", detail=detail)


def recipe(**changes: object) -> Recipe:
    """A recipe with anything about it changed."""
    values: dict[str, object] = {
        "card_id": "card-1",
        "labels": SLUGS,
        "temperature": 1.0,
        "student_t": 2.7764451051977987,
        "interval": "bootstrap",
        "quantile": 0.9,
        "coverage": 0.9,
        "coverage_validated": True,
        "theta": 0.5,
        "source_sha256": "0" * 64,
        "target": "cpu",
        "precision": "fp32",
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type] # a builder takes what the dataclass takes
