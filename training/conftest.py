"""What pytest must not import when it looks for examples in docstrings."""

from __future__ import annotations

import importlib.util

collect_ignore = ["engines/backend.py"]  # runs inside Triton only
if importlib.util.find_spec("torch") is None:
    collect_ignore += ["backbones.py", "export.py"]
