"""The picture of the contenders holds all that was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report.plots import contenders
from local.page import drawing
from tests.bench import invented


@pytest.mark.parametrize("width", [drawing.WIDE, 360])
def test_an_overhead_below_zero_is_drawn(width: int) -> None:
    """Noise may put one there: its dot and its spread lie inside the panel, as everybody's do."""
    found = invented.peers()
    first, *others = found.peers
    below = replace(first, overhead_us=-40.0, overheads_us=(-90.0, -40.0, 12.0))
    figure = contenders.draw(replace(found, peers=(below, *others)), width)
    left, right = figure.axes[-1].get_xlim()
    assert left < -90.0
    assert right > max(max(peer.overheads_us) for peer in others)
