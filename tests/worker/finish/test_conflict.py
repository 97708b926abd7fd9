"""Contradictions: of the picture with its metadata, and of the metadata with themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.samples import recipe, told
from training.fusion import conflict as study
from training.fusion.batch import EvidenceBatch
from worker.finish.conflict import conflict, pixels_against_metadata
from worker.prepare.evidence.likelihood import disagreement
from worker.record import CLAIMS, NO_EVIDENCE, SLUGS, STREAMS, Evidence

EVEN = np.full(7, 1 / 7)
SURE = np.array([0.94 if slug == "asia" else 0.01 for slug in SLUGS])


def test_without_metadata_nothing_can_contradict() -> None:
    """However sure the image is, and however even."""
    for p in (EVEN, SURE):
        found = conflict(p, NO_EVIDENCE, recipe(pixels_conflict=0.0, metadata_conflict=0.0))
        assert (found.flag, found.pixels, found.metadata) == (False, 0.0, 0.0)


def test_an_image_that_says_nothing_contradicts_nothing() -> None:
    """Agreement is 1/7 whatever the metadata say, as between any two continents: the odds are even."""
    assert pixels_against_metadata(EVEN, told(caption=("asia", 1.0))) == pytest.approx(0.5)


def test_a_sure_image_against_sure_metadata() -> None:
    """With p and r at 0.94 on different continents a = 2·0.94·0.01 + 5·0.01², and the score is by hand."""
    agreement = 2 * 0.94 * 0.01 + 5 * 0.01**2
    apart = (1 - agreement) / 6
    found = pixels_against_metadata(SURE, told(caption=("europe", 1.0)))
    assert found == pytest.approx(apart / (apart + agreement), abs=1e-12)
    assert found > 0.85
    assert pixels_against_metadata(SURE, told(caption=("asia", 1.0))) < 0.03


@pytest.mark.parametrize(
    ("pixels", "metadata", "flag"), [(0.9, 0.9, False), (0.8, 0.9, True), (0.9, 0.2, True)]
)
def test_either_kind_raises_the_flag_above_its_own_threshold(
    pixels: float, metadata: float, flag: bool
) -> None:
    """The card's thresholds decide, each of its kind."""
    streams = told(caption=("europe", 1.0)).streams
    evidence = Evidence(streams=streams, gps_continent=None, disagreement=0.5)
    assert conflict(SURE, evidence, recipe(pixels_conflict=pixels, metadata_conflict=metadata)).flag is flag


@pytest.mark.parametrize(
    ("pixels", "metadata", "flag"),
    [(None, 0.95, False), (0.95, None, False), (None, None, False), (None, 0.5, True), (0.5, None, True)],
)
def test_a_kind_without_a_threshold_is_scored_and_never_flagged(
    pixels: float | None, metadata: float | None, flag: bool
) -> None:
    """However high its score, a kind that was not seen to tell a conflict vetoes nothing."""
    streams = told(caption=("europe", 1.0)).streams
    evidence = Evidence(streams=streams, gps_continent=None, disagreement=0.9)
    found = conflict(SURE, evidence, recipe(pixels_conflict=pixels, metadata_conflict=metadata))
    assert found.flag is flag
    assert found.pixels > 0.85
    assert found.metadata == 0.9


QUALITIES = st.dictionaries(
    st.sampled_from(STREAMS), st.tuples(st.sampled_from(SLUGS), st.floats(0, 1)), max_size=len(STREAMS)
)


@given(streams=QUALITIES, z=st.lists(st.floats(-5, 5), min_size=7, max_size=7))
def test_the_worker_scores_as_the_study_that_chose_the_thresholds(
    streams: dict[str, tuple[str, float]], z: list[float]
) -> None:
    """For any evidence and image, one photo in the worker and many at once in training give the same."""
    evidence = told(**streams)
    p = np.exp(z) / np.exp(z).sum()
    batch = EvidenceBatch.of([evidence])
    assert pixels_against_metadata(p, evidence) == pytest.approx(
        float(study.pixels_against_metadata(p[None], batch)[0]), abs=1e-6
    )
    claims = [evidence.streams[name] for name in CLAIMS if name in evidence.streams]
    assert disagreement(claims) == pytest.approx(float(study.metadata_against_metadata(batch)[0]), abs=1e-5)
