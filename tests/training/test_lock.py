"""The requirement files: what they must not bring."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from training.lock import LOCKS, TELEMETRY, Lock, command
from training.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def test_nothing_reports_home() -> None:
    """OpenVINO's telemetry package is in no lock and not installed, and OpenVINO works without it."""
    for lock in LOCKS:
        assert TELEMETRY not in (ROOT / "requirements" / f"{lock.name}.txt").read_text(encoding="utf-8")
        assert TELEMETRY in command(lock, Path())  # left out by name
    assert importlib.util.find_spec("openvino_telemetry") is None
    import openvino  # noqa: PLC0415 - slow to load, and what is asked

    assert openvino.Core().available_devices


def names(requirements: list[str]) -> set[str]:
    """The packages that requirements ask for."""
    return {re.split(r"[\[<>=!~; ]", text)[0].lower() for text in requirements}


def locked(name: str) -> set[str]:
    """The packages that a lock pins."""
    return set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_environment_holds_its_extras_and_no_others(lock: Lock) -> None:
    """The worker's image has no torch, no SciPy, no table of the world; only `tables` has the latter."""
    wanted = names([*PROJECT["dependencies"], *(text for extra in lock.extras for text in EXTRAS[extra])])
    assert wanted - locked(lock.name) == set()
    unwanted = names([text for extra in EXTRAS if extra not in lock.extras for text in EXTRAS[extra]])
    assert (unwanted - wanted) & locked(lock.name) == set()
