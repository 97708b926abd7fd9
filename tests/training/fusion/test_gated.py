"""The laws of gated fusion, whatever its parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.fusion.models import any_gates, any_mlp
from training.fusion.batch import EvidenceBatch
from training.fusion.context import FEATURES
from training.fusion.gated import Gates
from training.fusion.pool import Pool
from training.uncertainty import known
from worker.record import NO_EVIDENCE

SEEDS = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_without_evidence_the_image_speaks_untouched(seed: int) -> None:
    """Bit for bit, for every kind of fusion."""
    logits = np.random.default_rng(seed).normal(0, 5, (4, 2, 7))
    nothing = EvidenceBatch.of([NO_EVIDENCE] * 4)
    pool = Pool(weight=np.random.default_rng(seed).uniform(0, 1, (2, 7)))
    for model in (any_gates(seed), any_mlp(seed), pool):
        assert (model.fuse(logits, nothing) == logits).all()
    assert not any_gates(seed).open(logits.mean(axis=1), nothing).any()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_gates_lie_between_shut_and_open(seed: int) -> None:
    """0–1 everywhere, 0 where the stream is absent."""
    samples = known.draw(30, seed=seed).samples
    opened = any_gates(seed).open(samples.image, samples.evidence)
    assert opened.shape == (30, 2, 7)
    assert opened.min() >= 0
    assert opened.max() <= 1
    assert not opened.transpose(0, 2, 1)[samples.evidence.present == 0].any()


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(0, 6), st.floats(0.0, 1.0))
def test_a_stream_that_is_trusted_less_is_never_believed_more(seed: int, stream: int, share: float) -> None:
    """Lowering the quality of one stream lowers, or keeps, its own gate."""
    samples = known.draw(30, seed=seed).samples
    quality = samples.evidence.quality.copy()
    quality[:, stream] *= share
    lower = replace(samples.evidence, quality=quality)
    gates = any_gates(seed)
    before, after = (gates.open(samples.image, one)[:, :, stream] for one in (samples.evidence, lower))
    assert (after <= before + 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_one_wrong_stream_does_bounded_harm(seed: int) -> None:
    """No stream takes a continent below log(1 − gate) or lifts it above log 7."""
    samples = known.draw(30, seed=seed).samples
    only = samples.evidence.without("clock", "season", "camera", "caption", "language", "timezone")
    gates = any_gates(seed)
    added = gates.fuse(np.zeros((30, 2, 7)), only)
    gate = gates.open(np.zeros((30, 7)), only)[:, :, 6]
    assert (added >= np.log1p(-gate)[..., None] - 1e-9).all()
    assert added.max() <= np.log(7)


def test_open_gates_multiply_likelihoods() -> None:
    """A gate that is wide open adds the log likelihood itself: Bayes' rule for independent streams."""
    samples = known.draw(20, seed=4).samples
    wide = Gates(
        hidden=np.zeros((1, FEATURES, 1)),
        stream=np.zeros((1, 7, 1)),
        output=np.zeros((1, 1)),
        direct=np.zeros((1, FEATURES)),
        bias=np.full((1, 7), 50.0),
        power=np.full((1, 7), -50.0),
    )
    fused = wide.fuse(samples.logits, samples.evidence)[:, 0]
    assert fused == pytest.approx(samples.image + samples.evidence.support.sum(axis=1))
