"""What the tests of fine-tuning share."""

from __future__ import annotations

import importlib.util

# Collected only where the train extra is; `make test-training` installs it first.
collect_ignore = (
    []
    if all(importlib.util.find_spec(name) for name in ("torch", "tensorboard"))
    else [
        "test_compare.py",
        "test_exported.py",
        "test_fit.py",
        "test_freezing.py",
        "test_loader.py",
        "test_losses.py",
        "test_optimiser.py",
        "test_recipes.py",
        "test_run.py",
        "test_weights.py",
        "tiny.py",
    ]
)
