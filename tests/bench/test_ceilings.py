"""From samples to ceilings: golden numbers."""

from __future__ import annotations

import pytest

from bench.ceilings import ceiling, cheapest, chosen, fastest, part
from bench.parts.sample import Sample


def sample(photos: int, wall: float, **cpu: float) -> Sample:
    """So many photos in so many seconds, with so many CPU seconds of each process."""
    return Sample(photos=photos, wall_seconds=wall, cpu_seconds=cpu)


def test_a_part_is_medians_a_photo() -> None:
    """Wall time and each process's CPU are medians of the repetitions, a photo; spreads are their ends."""
    found = part(
        "triton",
        "in words",
        [
            sample(10, 0.2, worker=0.02, triton=0.10),
            sample(20, 0.3, worker=0.02, triton=0.16),
            sample(10, 0.9, worker=0.05, triton=0.30),
        ],
    )
    assert (found.name, found.what, found.photos) == ("triton", "in words", 40)
    assert found.wall_ms == pytest.approx(20)
    assert found.wall_ms_spread == pytest.approx((15, 90))
    assert found.cpu_ms == pytest.approx({"worker": 2.0, "triton": 10.0})
    assert found.cpu_ms_spread == pytest.approx((9, 35))
    assert found.cpu_ms_total == pytest.approx(12)
    assert found.rate == pytest.approx(50)


def test_a_ceiling_is_cores_by_the_sum_of_cpu() -> None:
    """Two cores, 2 + (0.5 + 8) + (0.4 + 2.1) ms of CPU a photo: 153.8 photos a second, whatever the wall."""
    parts = [
        part("decode", "", [sample(100, 9.0, worker=0.2)]),
        part("triton", "", [sample(100, 9.0, worker=0.05, triton=0.8)]),
        part("kafka", "", [sample(100, 9.0, worker=0.04, broker=0.21)]),
    ]
    assert ceiling(2, parts) == pytest.approx(2 / 0.013)
    assert ceiling(1, parts) == pytest.approx(1 / 0.013)
    assert ceiling(2, parts[:1]) == pytest.approx(1000)


def test_the_cheapest_gets_the_name_and_the_fastest_the_rate() -> None:
    """What the ceiling takes is the least CPU; the best rate may be another load's."""
    quick = part("triton_8x1", "", [sample(100, 1.0, triton=1.2)])
    cheap = part("triton_2x8", "", [sample(100, 1.3, triton=0.9)])
    alone = part("triton_1x1", "", [sample(100, 2.0, triton=1.5)])
    assert fastest([alone, quick, cheap]) is quick
    assert cheapest([alone, quick, cheap]) is cheap
    first, *others = chosen([alone, quick, cheap], "triton")
    assert (first.name, first.cpu_ms) == ("triton", cheap.cpu_ms)
    assert others == [alone, quick]
