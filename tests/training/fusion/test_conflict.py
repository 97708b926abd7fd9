"""Conflicts: scores, curves, the ceiling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from training.fusion.batch import EvidenceBatch
from training.fusion.conflict import (
    ceiling,
    metadata_against_metadata,
    metadata_posterior,
    pixels_against_metadata,
    roc,
)
from training.uncertainty import known
from worker.finish.probability import softmax
from worker.prepare.evidence.likelihood import disagreement
from worker.record import NO_EVIDENCE, SLUGS, Evidence, Stream


def naming(slug: str, quality: float = 0.9, sure: float = 0.94) -> Stream:
    """A stream that names a continent."""
    rest = (1 - sure) / 6
    return Stream(likelihood=tuple(sure if one == slug else rest for one in SLUGS), quality=quality)


def batch(**streams: Stream) -> EvidenceBatch:
    """One photo with these streams."""
    return EvidenceBatch.of([Evidence(streams=streams, gps_continent=None, disagreement=0.0)])


def gaussian(n: int, sharpness: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated posteriors of an equal-variance Gaussian classifier, and labels."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 7, n)
    z = sharpness * rng.normal(size=(n, 7))
    z[np.arange(n), label] += sharpness**2
    return softmax(z), label


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_the_curve_is_scikit_learns(seed: int, tied: bool) -> None:
    """Every point and the area, with ties and without."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=60)
    score = np.round(score, 1) if tied else score
    conflict = rng.random(60) < 0.3
    conflict[:2] = True, False
    curve = roc(score, conflict)
    alarms, hits, _ = roc_curve(conflict, score, drop_intermediate=False)
    assert curve.alarms == pytest.approx(alarms)
    assert curve.hits == pytest.approx(hits)
    assert curve.area == pytest.approx(roc_auc_score(conflict, score))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.02, 0.1, 0.5]))
def test_an_operating_point_keeps_its_promise(seed: int, allowed: float) -> None:
    """Scores above its threshold are the hits that it says and no more false alarms than allowed."""
    rng = np.random.default_rng(seed)
    score, conflict = np.round(rng.normal(size=200), 2), rng.random(200) < 0.4
    threshold, hits = roc(score, conflict).operating_point(alarms=allowed)
    alarm = score > threshold
    assert alarm[~conflict].mean() <= allowed
    assert alarm[conflict].mean() == pytest.approx(hits)


def test_one_kind_makes_no_curve() -> None:
    """Without a conflict, or with nothing else, there is nothing to trade."""
    for flags in (np.ones(3, dtype=bool), np.zeros(3, dtype=bool)):
        with pytest.raises(ValueError, match="needs photos with a conflict"):
            roc(np.arange(3.0), flags)


@pytest.mark.parametrize(
    ("sharpness", "top1", "least", "most"),
    [(1.02, 0.42, 0.10, 0.20), (1.43, 0.56, 0.26, 0.36), (2.19, 0.78, 0.66, 0.74), (3.1, 0.94, 0.95, 0.98)],
)
def test_the_ceiling_by_image_accuracy(sharpness: float, top1: float, least: float, most: float) -> None:
    """At 2% false alarms weak images detect few swaps, and the more the better they are."""
    p, label = gaussian(20_000, sharpness)
    assert (p.argmax(axis=1) == label).mean() == pytest.approx(top1, abs=0.012)
    assert least < ceiling(p) < most


def test_the_ceiling_is_reached_by_certain_metadata_and_not_passed() -> None:
    """Simulated swaps, told with certainty, are found as often as the formula says."""
    p, label = gaussian(40_000, 1.4, seed=1)
    rng = np.random.default_rng(2)
    swapped = rng.random(len(p)) < 0.5
    named = np.where(swapped, (label + rng.integers(1, 7, len(p))) % 7, label)
    score = 1 - p[np.arange(len(p)), named]
    _, hits = roc(score, swapped).operating_point(alarms=0.02)
    assert hits == pytest.approx(ceiling(p), abs=0.015)


def test_a_picture_and_metadata_that_agree_are_no_conflict() -> None:
    """Sure of Europe, metadata of Europe: near 0; of Asia: near 1; a picture that says nothing: even odds."""
    sure = np.full((1, 7), 0.01)
    sure[0, SLUGS.index("europe")] = 0.94
    same, other = (pixels_against_metadata(sure, batch(gps=naming(slug)))[0] for slug in ("europe", "asia"))
    assert same < 0.05
    assert other > 0.7
    even = np.full((1, 7), 1 / 7)
    assert pixels_against_metadata(even, batch(gps=naming("asia")))[0] == pytest.approx(0.5)
    assert pixels_against_metadata(sure, EvidenceBatch.of([NO_EVIDENCE]))[0] == 0


def test_the_metadatas_posterior_is_bayes_rule() -> None:
    """Two streams that are right with their quality, multiplied and normalised."""
    streams = {"clock": naming("asia", 0.5), "caption": naming("europe", 0.8)}
    ratio = [0.5 * np.array(streams["clock"].likelihood) + 0.5 / 7]
    ratio.append(0.8 * np.array(streams["caption"].likelihood) + 0.2 / 7)
    expected = ratio[0] * ratio[1] / (ratio[0] * ratio[1]).sum()
    assert metadata_posterior(batch(**streams))[0] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_metadata_against_metadata_is_the_workers_own(seed: int) -> None:
    """The worker's disagreement of the claiming streams, whichever are present."""
    drawn = known.draw(1, seed=seed).samples.evidence
    claims = {
        name: Stream(
            likelihood=tuple(np.exp(drawn.support[0, place]) / 7),
            quality=float(drawn.quality[0, place]),
        )
        for place, name in ((0, "clock"), (3, "caption"), (5, "timezone"), (6, "gps"))
        if drawn.present[0, place]
    }
    assert metadata_against_metadata(drawn)[0] == pytest.approx(disagreement(list(claims.values())), abs=1e-9)


def test_what_follows_people_home_contradicts_nothing() -> None:
    """A Japanese camera and the Japanese language in Kenya are a traveller's; the clock is odd."""
    at_home = {"camera": naming("asia"), "language": naming("asia"), "gps": naming("africa")}
    assert metadata_against_metadata(batch(**at_home))[0] == 0
    assert metadata_against_metadata(batch(**at_home, clock=naming("asia")))[0] > 0.5
