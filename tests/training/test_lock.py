"""The requirement files: what they must not bring."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from training.lock import LOCKS, TELEMETRY, command
from training.places import ROOT


def test_nothing_reports_home() -> None:
    """OpenVINO's telemetry package is in no lock and not installed, and OpenVINO works without it."""
    for lock in LOCKS:
        assert TELEMETRY not in (ROOT / "requirements" / f"{lock.name}.txt").read_text(encoding="utf-8")
        assert TELEMETRY in command(lock, Path())  # left out by name
    assert importlib.util.find_spec("openvino_telemetry") is None
    import openvino  # noqa: PLC0415 - slow to load, and what is asked

    assert openvino.Core().available_devices
