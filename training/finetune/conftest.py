"""What pytest must not import where torch is missing."""

from __future__ import annotations

import importlib.util

collect_ignore = (
    []
    if importlib.util.find_spec("torch")
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
