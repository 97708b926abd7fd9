"""What a gate looks at."""

from __future__ import annotations

import numpy as np
import pytest

from training.fusion.batch import EvidenceBatch
from training.fusion.context import FEATURES, context, log_hedged, others_posterior
from training.uncertainty import known
from worker.prepare.evidence.likelihood import hedged
from worker.record import STREAMS, Evidence, Stream


def stated(slug: int, quality: float, sure: float = 0.7) -> Stream:
    """A stream that names a continent."""
    rest = (1 - sure) / 6
    return Stream(likelihood=tuple(sure if i == slug else rest for i in range(7)), quality=quality)


def test_hedging_is_the_workers_own() -> None:
    """The vectorised mixture is the one by which the worker weighs streams against each other."""
    stream = stated(3, 0.4)
    batch = EvidenceBatch.of([Evidence(streams={"clock": stream}, gps_continent=None, disagreement=0.0)])
    assert np.exp(log_hedged(batch)[0, 0]) / 7 == pytest.approx(hedged(stream), abs=1e-6)


def test_features_by_hand() -> None:
    """A stream for Europe beside one for Asia, on an image that is even: fits are log Bayes factors."""
    streams = {"clock": stated(3, 1.0), "caption": stated(2, 0.5)}
    batch = EvidenceBatch.of([Evidence(streams=streams, gps_continent=None, disagreement=0.0)])
    found = context(np.zeros((1, 7)), batch)[0]
    assert found.shape == (7, FEATURES)
    clock = found[STREAMS.index("clock")]
    peak, image, others, certainty, certainty_of_others, crowd = clock[:6]
    assert peak == pytest.approx(np.log(7 * 0.7) / np.log(7), abs=1e-6)
    assert image == pytest.approx(0, abs=1e-6)  # an even image expects every stream alike
    q = 0.5 * np.array(stated(2, 1.0).likelihood) + 0.5 / 7
    assert others == pytest.approx(
        np.log((q * 7 * np.array(stated(3, 1.0).likelihood)).sum()) / np.log(7), abs=1e-6
    )
    assert certainty == pytest.approx(1 / 7)
    assert certainty_of_others == pytest.approx(q.max(), abs=1e-6)
    assert crowd == pytest.approx(1 / 6)
    assert clock[6:].tolist() == [float(name == "caption") for name in STREAMS]


def test_absent_streams_look_at_nothing() -> None:
    """Their features are all 0, so that nothing can be learned from them."""
    samples = known.draw(100, seed=1).samples
    features = context(samples.image, samples.evidence)
    assert not features[samples.evidence.present == 0].any()
    assert features[samples.evidence.present > 0].any(axis=1).all()


def test_a_streams_own_word_is_not_among_the_others() -> None:
    """What the others say of a photo does not move when the stream itself says something else."""
    samples = known.draw(60, seed=2).samples
    batch = samples.evidence
    support = batch.support.copy()
    support[:, 0] = -support[:, 0] / 10
    changed = EvidenceBatch(present=batch.present, quality=batch.quality, support=support)
    assert others_posterior(changed)[:, 0] == pytest.approx(others_posterior(batch)[:, 0])
    assert np.abs(others_posterior(changed)[:, 1] - others_posterior(batch)[:, 1]).max() > 0.01
