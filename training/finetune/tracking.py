"""Runs as TensorBoard shows them: one event file in a folder, nothing sent anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from training.finetune.epoch import Epoch

Report = Callable[[Epoch], None]


@contextmanager
def tracked(folder: Path, parameters: dict[str, Any], *, first: int) -> Iterator[Report]:
    """Yield what writes an epoch's figures down.

    Args:
        folder: where the event file goes.
        parameters: of the run, in JSON's types; shown as text.
        first: the epoch that is reported first; what a broken run wrote from there on is taken back.
    """
    writer = SummaryWriter(str(folder), purge_step=first)
    try:
        writer.add_text("parameters", f"```json\n{json.dumps(parameters, indent=2)}\n```", first)

        def report(epoch: Epoch) -> None:
            for name, value in epoch.scalars().items():
                writer.add_scalar(name, value, epoch.number)
            writer.flush()

        yield report
    finally:
        writer.close()
