"""Weights from a file of the user's: tensors only, checked before any of them is used. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from worker.errors import Refuse

MOST_BYTES: Final = 4 * 1024**3
"""The largest backbone here takes 0.4 GB."""

State = Mapping[str, torch.Tensor]


def load(network: nn.Module, path: Path, *, without: str) -> None:
    """Load a state dict into a network whose classifier was cut off.

    Args:
        network: the network.
        path: a file that `torch.save(model.state_dict(), path)` wrote.
        without: the module of ImageNet's classes; the file may have one, of any number of classes.

    Raises:
        Refuse: the file is missing, too large, no state dict, of another architecture or of other shapes, or
            holds values that are no numbers.
    """
    state = {name: value for name, value in read(path).items() if not name.startswith(f"{without}.")}
    own: State = network.state_dict()
    absent, foreign = own.keys() - state.keys(), state.keys() - own.keys()
    if absent or foreign:
        raise Refuse(
            f"{path.name} is of another architecture: {len(absent)} of its {len(own)} tensors are missing and"
            f" {len(foreign)} are foreign{_first(absent or foreign)}: give the recipe's own weights.",
            exit_code=2,
        )
    other = [name for name, value in own.items() if value.shape != state[name].shape]
    if other:
        raise Refuse(
            f"{path.name} has {len(other)} tensors of other shapes{_first(set(other))}: give the weights of"
            " this very size of the architecture.",
            exit_code=2,
        )
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise Refuse(f"{path.name} holds values that are no numbers: save the weights anew.", exit_code=2)
    network.load_state_dict(dict(state))


def read(path: Path) -> State:
    """The tensors of a file by their names; nothing in the file is run.

    Raises:
        Refuse: it cannot be read, or is no state dict.
    """
    try:
        size = path.stat().st_size
        found: Any = torch.load(path, map_location="cpu", weights_only=True) if size <= MOST_BYTES else None
    except OSError as exc:
        raise Refuse(
            f"the weights {path.name} cannot be read ({exc.strerror}): give a file with --weights PATH.",
            exit_code=2,
        ) from exc
    except Exception as exc:
        raise Refuse(_no_state_dict(path), exit_code=2) from exc
    if size > MOST_BYTES:
        raise Refuse(f"{path.name} is larger than {MOST_BYTES >> 30} GiB: give weights alone.", exit_code=2)
    if not isinstance(found, Mapping) or not found:
        raise Refuse(_no_state_dict(path), exit_code=2)
    if not all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items()):
        raise Refuse(_no_state_dict(path), exit_code=2)
    return found


def _no_state_dict(path: Path) -> str:
    return f"{path.name} is no state dict: make one with torch.save(model.state_dict(), PATH)."


def _first(names: set[str]) -> str:
    return f" ({min(names)}, for one)"
