"""Put an ONNX graph together node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class Nodes:
    """Nodes and constants in the order in which they were added, as `onnx.helper.make_graph` takes them."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.constants: list[Any] = []

    def add(
        self,
        kind: str,
        takes: Sequence[str],
        gives: str | Sequence[str],
        **attributes: Any,  # noqa: ANN401 - ONNX's own
    ) -> None:
        """Add a node of an operator; `gives` names its output or outputs."""
        from onnx import helper  # noqa: PLC0415 - 0.3 s, and the models extra only

        outputs = [gives] if isinstance(gives, str) else list(gives)
        self.made.append(helper.make_node(kind, list(takes), outputs, **attributes))

    def chain(self, takes: str, steps: Sequence[tuple[str, str | None]], gives: str) -> None:
        """Add operators one after the other, each taking the last one's output and perhaps a second input."""
        for number, (kind, beside) in enumerate(steps):
            output = gives if number == len(steps) - 1 else f"{gives}_{number}"
            self.add(kind, [takes] if beside is None else [takes, beside], output)
            takes = output

    def constant(self, name: str, values: npt.NDArray[np.floating]) -> None:
        """Add a float32 constant."""
        self._keep(name, np.ascontiguousarray(values, dtype=np.float32).reshape(values.shape))

    def integers(self, name: str, values: Sequence[int]) -> None:
        """Add a vector of int64: a shape, axes, lengths."""
        self._keep(name, np.array(values, dtype=np.int64))

    def _keep(self, name: str, values: npt.NDArray[Any]) -> None:
        from onnx import numpy_helper  # noqa: PLC0415 - 0.3 s, and the models extra only

        self.constants.append(numpy_helper.from_array(values, name))
