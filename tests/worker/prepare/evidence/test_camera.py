"""Camera names → markets: makers' naming, and no memory of them."""

from __future__ import annotations

import json
import sys

import pytest

from worker.prepare.evidence import camera, tables
from worker.record import SLUGS


@pytest.mark.parametrize(
    ("make", "model", "slug"),
    [
        ("Canon", "Canon EOS Kiss X7", "asia"),
        ("Canon", "Canon EOS DIGITAL REBEL XT", "north-america"),
        ("Canon", "Canon EOS 700D", "europe"),
        ("samsung", "SM-G991U", "north-america"),
        ("samsung", "SM-S901U1", "north-america"),
        ("samsung", "SM-G998N", "asia"),
        ("samsung", "SM-G9910", "asia"),
        ("samsung", "SM-A515F", "europe"),
        ("samsung", "SM-A505M", "south-america"),
        ("Sony", "SO-03L", "asia"),
        ("HUAWEI", "EVA-AL00", "asia"),
        ("HUAWEI", "VOG-L29", "europe"),
        ("TECNO", "TECNO KE5", "africa"),
        ("Xiaomi", "Redmi Note 8 Pro", "asia"),
        ("motorola", "moto g(7) play", "south-america"),
    ],
)
def test_markets(make: str, model: str, slug: str) -> None:
    """Each maker's name for the version of one market."""
    stream = camera.read(make, model)
    assert stream is not None
    assert SLUGS[stream.likelihood.index(max(stream.likelihood))] == slug


@pytest.mark.parametrize(
    ("make", "model"), [("", ""), ("Canon", ""), ("NIKON CORPORATION", "NIKON D750"), ("x" * 64, "y" * 64)]
)
def test_cameras_sold_alike_everywhere_say_nothing(make: str, model: str) -> None:
    """And neither do those that nobody knows."""
    assert camera.read(make, model) is None


def test_every_rule_is_reviewed_and_weak() -> None:
    """Each says why, speaks for known continents, and is trusted with no more than a half."""
    for rule in json.loads((tables.FOLDER / "cameras.json").read_bytes())["rules"]:
        assert rule["why"]
        assert set(rule["weights"]) <= set(SLUGS)
        assert max(rule["weights"].values()) == 1
        assert 0 < rule["quality"] <= 0.5


def test_names_are_not_remembered() -> None:
    """What a sender wrote is gone once it was read: nothing holds on to the text."""
    model = "Canon EOS Kiss " + "X" * 40
    before = sys.getrefcount(model)
    for _ in range(3):
        assert camera.read("Canon", model) is not None
    assert sys.getrefcount(model) == before
    assert not hasattr(camera.read, "cache_info")
