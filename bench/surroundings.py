"""What the measured and the instruments are told of the environment: one and the same for all."""

from __future__ import annotations

import os
from typing import Final

KEPT: Final = frozenset({"PANGAEA_HOME", "PANGAEA_PROFILE"})
"""Where things are kept, and which profile is meant. Other settings would reach some and not others."""


def surroundings() -> dict[str, str]:
    """Return this process's environment without Pangaea's settings but for those that are meant for all."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PANGAEA_") or name in KEPT
    }


def profile() -> str:
    """The profile that the measured runs with.

    >>> profile() in {"latency", "throughput"}
    True
    """
    return os.environ.get("PANGAEA_PROFILE", "latency")
