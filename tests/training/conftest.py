"""What the tests of training share."""

from __future__ import annotations

import importlib.util

import pytest

from training import embeddings, evaluate
from training.embeddings import Embeddings
from training.heads import Recipe
from training.places import EMBEDDINGS

# Collected only where torch is; `make test-training` installs it first.
collect_ignore = [] if importlib.util.find_spec("torch") else ["test_export.py"]


@pytest.fixture(scope="session")
def committed() -> Embeddings:
    """The committed embeddings."""
    return embeddings.load(EMBEDDINGS)


@pytest.fixture(scope="session")
def folds(committed: Embeddings) -> evaluate.Folds:
    """Heads fitted without each source in turn: four seconds, so once."""
    return evaluate.leave_sources_out(committed, Recipe())
