"""Figures as a JSON file, and back: what is read is ours in every field, or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from bench.figures import PEERS_SHARE, Latency, Limit, Machine, Peer, Peers, Sustained, Sweep
from worker.errors import Refuse

Figures: TypeAlias = Limit | Latency | Sweep | Peers
"""What one command of the bench finds."""

_MARKS: tuple[tuple[str, type[Limit | Latency]], ...] = (("parts", Limit), ("histogram", Latency))
"""The key by which a file is known for what it is; a sweep has `workers` by number, peers are a list."""

_T = TypeVar("_T")


def write(figures: Figures, path: Path) -> None:
    """Write the figures as `path`, with its folders; what is not a number (nothing came) is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_finite(figures.document()), indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Figures:
    """The figures of a file that `write` wrote.

    Raises:
        Refuse: There is no such file, or it is not ours; the sentence says which and what is wrong with it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refuse(f"{path} cannot be read ({error.strerror}): name a file that --json wrote.") from error
    except ValueError as error:
        raise Refuse(f"{path} is not JSON: name a file that --json wrote.") from error
    try:
        return figures_of(document)
    except ValueError as error:
        raise Refuse(
            f"{path} does not hold figures of this version of the bench ({error}): measure again with --json."
        ) from error


def figures_of(document: Any) -> Figures:  # noqa: ANN401 - whatever JSON holds
    """The figures whose `document()` this is.

    Raises:
        ValueError: It is nobody's; the message names the place.
    """
    if isinstance(document, list):
        return _peers(document)
    if not isinstance(document, dict):
        raise ValueError("it is neither an object nor a list")  # noqa: TRY004 - of the file, not of a caller
    if isinstance(document.get("workers"), dict):
        return _sweep(document)
    for mark, kind in _MARKS:
        if mark in document:
            return _object(kind, document, "")
    raise ValueError("it is neither of limit, latency, sweep nor peers")


def _sweep(document: dict[str, Any]) -> Sweep:
    """A sweep repeats its first number of workers at the top level: for readers, and held to it here."""
    sustained = tuple(
        _object(Sustained, value, f"workers.{number}") for number, value in document["workers"].items()
    )
    if not sustained:
        raise ValueError("workers is empty")
    found = Sweep(
        machine=_value(Machine, document.get("machine"), "machine"),
        mix=_value(str, document.get("mix"), "mix"),
        limit=_value(Limit, document.get("limit"), "limit"),
        sustained=sustained,
        nothing_kept=_value(Mapping[str, str], document.get("nothing_kept"), "nothing_kept"),
        core_hours_per_million=_value(
            float, document.get("core_hours_per_million"), "core_hours_per_million"
        ),
        core_hours_reserved_per_million=_value(
            float, document.get("core_hours_reserved_per_million"), "core_hours_reserved_per_million"
        ),
    )
    if (again := _finite(found.document())) != document:
        wrong = sorted(key for key in {*again, *document} if again.get(key) != document.get(key))
        raise ValueError(f"{wrong[0]} is not what its workers have")
    return found


def _peers(document: list[Any]) -> Peers:
    """Every contender repeats what is the same for all: held to it here."""
    if not document or not all(isinstance(each, dict) for each in document):
        raise ValueError("it is not a list of contenders")
    first = document[0]
    for number, each in enumerate(document):
        for name in PEERS_SHARE:
            if each.get(name) != first.get(name):
                raise ValueError(f"[{number}].{name} is not what [0] has")
    rows = [{name: value for name, value in each.items() if name not in PEERS_SHARE} for each in document]
    return Peers(
        machine=_value(Machine, first.get("machine"), "[0].machine"),
        mix=_value(str, first.get("mix"), "[0].mix"),
        peers=tuple(_object(Peer, row, f"[{number}]") for number, row in enumerate(rows)),
        notes=_value(tuple[str, ...], first.get("notes"), "[0].notes"),
    )


def _object(kind: type[_T], value: Any, place: str) -> _T:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, dict):
        raise ValueError(f"{place or 'it'} is not an object")  # noqa: TRY004 - of the file, not of a caller
    hints = get_type_hints(kind)
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type] # only dataclasses come here
    if missing := sorted(names - set(value)):
        raise ValueError(f"{_at(place, missing[0])} is missing")
    if strange := sorted(set(value) - names):
        raise ValueError(f"{_at(place, strange[0])} is not known")
    return kind(**{name: _value(hints[name], value[name], _at(place, name)) for name in names})


def _value(kind: Any, value: Any, place: str) -> Any:  # noqa: ANN401 - JSON in, any type out
    """The value as a field of this type has it."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(kind, value, place)  # type: ignore[arg-type] # a class, not an instance
    if origin is tuple and isinstance(value, list):
        each = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(each) == len(value):
            return tuple(
                _value(type_, item, f"{place}[{index}]")
                for index, (type_, item) in enumerate(zip(each, value, strict=True))
            )
    if origin is Mapping and isinstance(value, dict):
        return {name: _value(inner[1], item, _at(place, name)) for name, item in value.items()}
    if kind is float and isinstance(value, int | float | NoneType) and not isinstance(value, bool):
        return math.nan if value is None else float(value)
    if kind in (str, int, bool) and type(value) is kind:
        return value
    if NoneType in inner:
        return None if value is None else _value(inner[0], value, place)
    raise ValueError(f"{place} is not {getattr(kind, '__name__', kind)}")


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """JSON knows no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
