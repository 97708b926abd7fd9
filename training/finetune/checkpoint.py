"""What a run keeps on disk: plain values and tensors, written whole, read without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch

from worker.errors import Refuse

LAST: Final = "last.pt"
BEST: Final = "best.pt"


def save(document: dict[str, Any], path: Path) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        Refuse: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        torch.save(document, beside)
        beside.replace(path)
    except (OSError, RuntimeError) as exc:
        # torch reports a full disk as a RuntimeError.
        raise Refuse(f"{path} cannot be written: free some space, or name another --output DIR.") from exc


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        Refuse: it is missing or damaged.
    """
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as exc:
        raise Refuse(f"{path} cannot be read: begin anew without --resume.", exit_code=2) from exc
    except Exception as exc:
        raise Refuse(f"{path} is damaged: begin anew in another --output DIR.") from exc
    return found
