"""The two generators of simulated evidence."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.fusion import world
from training.fusion.facts import Drawn, evidence
from training.fusion.generators import Census, Gallery, Generator
from worker.prepare.evidence.geography import continent
from worker.record import SLUGS, STREAMS

KINDS = pytest.mark.parametrize("kind", [Gallery, Census])


def many(generator: Generator, n: int, *, seed: int = 0) -> list[tuple[int, Drawn]]:
    """Labels in turn, and what is drawn for them."""
    rng = np.random.default_rng(seed)
    return [(number % 7, generator.draw(number % 7, rng)) for number in range(n)]


@KINDS
def test_the_same_seed_draws_the_same(kind: type[Gallery | Census]) -> None:
    """Facts and truths, photo for photo."""
    generator = kind(world.load())
    assert many(generator, 30) == many(generator, 30)
    assert many(generator, 30) != many(generator, 30, seed=1)


@KINDS
def test_what_is_not_disturbed_tells_the_truth(kind: type[Gallery | Census]) -> None:
    """Positions lie on the continent that they claim, and, unless swapped, nearly all on the photo's own."""
    drawn = [(label, one) for label, one in many(kind(world.load()), 700) if one.facts.position is not None]
    assert all(continent(*one.facts.position) == SLUGS[one.claims["gps"]] for _, one in drawn)  # type: ignore[misc]
    own = [one.claims["gps"] == label for label, one in drawn if not one.swapped]
    assert np.mean(own) > 0.9
    assert not any(one.claims["gps"] == label for label, one in drawn if one.swapped and kind is Census)


@KINDS
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_swaps_are_as_frequent_as_asked(kind: type[Gallery | Census], share: float) -> None:
    """A share of one's own: for a test of conflicts half, for one of likelihoods none."""
    drawn = many(kind(world.load(), swapped=share), 400)
    assert np.mean([one.swapped for _, one in drawn]) == pytest.approx(share, abs=0.08)


@KINDS
def test_every_stream_is_drawn_and_dropped(kind: type[Gallery | Census]) -> None:
    """Each is present in some photos and absent from others, and its patterns are many."""
    patterns = Counter(frozenset(evidence(one.facts).streams) for _, one in many(kind(world.load()), 300))
    for name in STREAMS:
        share = sum(count for pattern, count in patterns.items() if name in pattern) / 300
        assert 0.1 < share < 0.9, name
    assert len(patterns) > 15


@KINDS
def test_some_metadata_contradict_themselves(kind: type[Gallery | Census]) -> None:
    """Between 2% and a quarter of photos hold claims about two continents."""
    mixed = [one.mixed(evidence(one.facts)) for _, one in many(kind(world.load()), 400)]
    assert 0.02 < np.mean(mixed) < 0.25


def test_the_testing_generator_is_another_one() -> None:
    """Where photos are taken, what is there together and what captions say differ between the two."""
    table = world.load()
    gallery, census = (many(kind(table), 700) for kind in (Gallery, Census))

    def texts(drawn: list[tuple[int, Drawn]]) -> set[str]:
        return {one.facts.caption for _, one in drawn if one.facts.caption}

    assert len(texts(gallery) & texts(census)) < 0.1 * len(texts(census))

    def asia(drawn: list[tuple[int, Drawn]]) -> Counter[str]:
        return Counter(one.facts.timezone for label, one in drawn if label == 2 and one.facts.timezone)

    common = {zone for zone, _ in asia(gallery).most_common(4)} & {
        zone for zone, _ in asia(census).most_common(4)
    }
    assert len(common) < 4


def test_antarctica_is_drawn_though_nobody_lives_there() -> None:
    """Its photos have claims about it, and their takers live elsewhere."""
    table = world.load()
    for kind in (Gallery, Census):
        drawn = [kind(table, swapped=0.0).draw(1, np.random.default_rng(seed)) for seed in range(60)]
        assert all(one.claims["gps"] == 1 or kind is Gallery for one in drawn)
        assert any("Antarctica" in (one.facts.caption or "") for one in drawn)
