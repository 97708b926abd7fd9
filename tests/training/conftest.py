"""What needs torch is collected only where torch is; `make test-training` installs it first."""

from __future__ import annotations

import importlib.util

collect_ignore = [] if importlib.util.find_spec("torch") else ["test_export.py"]
