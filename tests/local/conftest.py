"""What the tests of the embedded stack share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.processes import repository


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository that needs no built engine."""
    return repository(tmp_path_factory.mktemp("models"))
