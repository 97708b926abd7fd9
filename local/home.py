"""Where Pangaea keeps what it fetched and built: one folder, in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The cache root: PANGAEA_HOME, else $XDG_CACHE_HOME/pangaea, else ~/.cache/pangaea; it may not exist.

    Source: XDG Base Directory Specification 0.8 (a relative XDG_CACHE_HOME counts as unset).
    """
    chosen = os.environ.get("PANGAEA_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "pangaea"
