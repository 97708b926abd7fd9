"""The judge of fusion models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from training.fusion import judge
from training.fusion.batch import Samples
from training.fusion.fit import Recipe
from training.fusion.judge import CONCATENATION, GATED, IMAGE, POOL, Judged
from training.fusion.pool import Pool
from training.uncertainty import known


def of_sources(n: int, sources: int, *, seed: int) -> Samples:
    """Known photos of a few sources."""
    return replace(known.draw(n, seed=seed).samples, source=(np.arange(n) % sources).astype(str))


def losing(samples: Samples, **extra: float) -> Judged:
    """Judged models of which each gives the truth e^−1 times this."""
    fused = {}
    for name, loss in extra.items():
        each = np.full((len(samples), 7), (1 - np.exp(-1 - loss)) / 6)
        each[np.arange(len(samples)), samples.label] = np.exp(-1 - loss)
        fused[name] = np.log(each)[:, None]
    return Judged(samples=samples, fused=fused)


def test_an_interval_of_a_difference_is_that_of_its_sources() -> None:
    """Of many sources of one sample each, the interval is the mean's: the normal one, nearly."""
    rng = np.random.default_rng(1)
    difference = rng.normal(0.3, 1, 400)
    found = judge.paired(difference, np.arange(400).astype(str))
    low, high = stats.norm.interval(0.95, difference.mean(), difference.std() / 20)
    assert found["value"] == pytest.approx(difference.mean(), abs=1e-4)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.02)


def test_photos_of_one_source_do_not_narrow_the_interval() -> None:
    """The same source a hundred times over says as little as once."""
    rng = np.random.default_rng(2)
    few = rng.normal(0, 1, 8)
    source = np.arange(8).astype(str)
    once = judge.paired(few, source)
    often = judge.paired(np.repeat(few, 100), np.repeat(source, 100))
    assert once == often


def test_no_model_sees_the_source_that_it_is_judged_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fit lacks exactly the source whose photos it then scores, and every photo is scored once."""
    seen: list[frozenset[str]] = []

    def fit(samples: Samples, recipe: Recipe) -> Pool:
        seen.append(frozenset(samples.source.tolist()))
        return Pool(weight=np.full((recipe.members, 7), 0.1 * len(seen)))

    monkeypatch.setattr(judge, "FITS", {POOL: fit})
    train, test = of_sources(60, 3, seed=1), of_sources(30, 3, seed=2)
    judged = judge.out_of_source(train, {"all": test}, Recipe(members=1), kinds=[POOL])["all"]
    assert seen == [frozenset("12"), frozenset("02"), frozenset("01")]
    for number, source in enumerate("012", start=1):
        own = test.take(test.source == source)
        model = Pool(weight=np.full((1, 7), 0.1 * number))
        expected = model.fuse(own.logits, own.evidence)[:, 0]
        assert judged.fused[POOL][test.source == source, 0] == pytest.approx(expected)


def test_the_gated_model_ships_only_when_it_beats_both() -> None:
    """Better than both by an interval: it ships; a tie with one: the best baseline does."""
    samples = of_sources(40, 4, seed=3)
    better = losing(samples, **{IMAGE: 0.9, POOL: 0.5, CONCATENATION: 0.6, GATED: 0.4})
    tied = losing(samples, **{IMAGE: 0.9, POOL: 0.4, CONCATENATION: 0.6, GATED: 0.4})
    worse = losing(samples, **{IMAGE: 0.9, POOL: 0.5, CONCATENATION: 0.3, GATED: 0.4})
    assert [judge.chosen(one) for one in (better, tied, worse)] == [GATED, POOL, CONCATENATION]
    assert judge.differences(better)[POOL]["value"] == pytest.approx(-0.1, abs=1e-3)


def test_fusion_beats_the_image_in_the_known_world() -> None:
    """The whole judgement on fresh photos of unseen sources: gates gain on the image, by an interval."""
    train, test = of_sources(700, 3, seed=4), of_sources(400, 3, seed=5)
    judged = judge.out_of_source(train, {"all": test}, Recipe(members=1, steps=40))["all"]
    assert judge.differences(judged)[IMAGE]["high"] < -0.1
    scores = judge.scores(judged)
    assert scores[GATED]["accuracy"]["value"] > scores[IMAGE]["accuracy"]["value"] + 0.1
    assert 0 <= scores[GATED]["ece"]["value"] < 0.15
    streams = judge.by_stream(judged, ("clock", "season"))
    assert streams["clock"]["gain"]["value"] > streams["season"]["gain"]["value"]


def test_conflicts_are_told_by_a_threshold_learned_elsewhere() -> None:
    """Swapped metadata are found more often than the alarm sounds without cause, counted by source."""
    rng = np.random.default_rng(6)

    def swapped(samples: Samples) -> Samples:
        flags = rng.random(len(samples)) < 0.4
        shift = rng.integers(1, 7, len(samples))
        support = samples.evidence.support.copy()
        for row in np.flatnonzero(flags):
            support[row] = np.roll(support[row], shift[row], axis=1)
        evidence = replace(samples.evidence, support=support)
        return replace(samples, swapped=flags, evidence=evidence)

    train, test = (swapped(of_sources(1500, 5, seed=seed)) for seed in (7, 8))
    found = judge.pixels_conflict(train, test)
    assert found["threshold"] == found["judged_at"] is not None
    assert found["false_alarms"]["value"] < 0.05
    assert found["false_alarms"]["value"] < found["hits"]["value"] <= found["ceiling"] + 0.05
    assert found["area"]["low"] <= found["area"]["value"] <= found["area"]["high"]
    assert found["conflicts"] + found["others"] == int(test.evidence.present.any(axis=1).sum())


@pytest.mark.parametrize(("told", "kept"), [(0.9, True), (0.0, False)])
def test_a_score_that_tells_nothing_gets_no_threshold(told: float, kept: bool) -> None:
    """Golden: of alarms as frequent with a conflict as without none may flag; the place judged at is said."""
    rng = np.random.default_rng(9)

    def half_swapped(seed: int) -> Samples:
        samples = of_sources(2000, 8, seed=seed)
        return replace(samples, swapped=rng.random(len(samples)) < 0.5)

    train, test = half_swapped(10), half_swapped(11)
    # Where it tells, conflicts score higher by far; where it does not, all scores are alike noise.
    known, score = (rng.random(len(each)) * 0.1 + told * each.swapped for each in (train, test))
    found = judge._conflict(known, score, (train, test), kind="swapped")
    assert (found["threshold"] is not None) is kept
    assert 0 < found["judged_at"] < 1
    assert (found["hits"]["low"] > found["false_alarms"]["value"]) is kept
