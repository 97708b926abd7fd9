"""What pytest must not import where the train extra is missing."""

from __future__ import annotations

import importlib.util

collect_ignore = (
    []
    if all(importlib.util.find_spec(name) for name in ("torch", "tensorboard"))
    else [
        "asked.py",
        "checkpoint.py",
        "compare.py",
        "exported.py",
        "fit.py",
        "freezing.py",
        "loader.py",
        "losses.py",
        "model.py",
        "optimiser.py",
        "run.py",
        "seeding.py",
        "tracking.py",
        "weights.py",
    ]
)
