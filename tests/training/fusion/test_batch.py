"""Evidence of many photos, in and out of vectors."""

from __future__ import annotations

import numpy as np
import pytest

from training.fusion.batch import EvidenceBatch
from training.uncertainty import known
from worker.record import NO_EVIDENCE, STREAMS, Evidence, Stream

ASIA = Stream(likelihood=(0.05, 0.05, 0.7, 0.05, 0.05, 0.05, 0.05), quality=0.6)


def test_a_batch_is_what_the_records_say() -> None:
    """Presence, quality and log(7 · likelihood) of each stream stand where its name is in the order."""
    one = Evidence(streams={"caption": ASIA, "gps": ASIA}, gps_continent="asia", disagreement=0.0)
    batch = EvidenceBatch.of([NO_EVIDENCE, one])
    assert len(batch) == 2
    assert not batch.present[0].any()
    assert [name for name, there in zip(STREAMS, batch.present[1], strict=True) if there] == [
        "caption",
        "gps",
    ]
    place = STREAMS.index("caption")
    assert batch.quality[1, place] == pytest.approx(0.6)
    assert batch.support[1, place] == pytest.approx(np.log(7 * np.array(ASIA.likelihood)), abs=1e-6)


def test_vectors_survive_the_round_trip() -> None:
    """Reading what was written gives the same numbers, to float32."""
    batch = known.draw(50, seed=1).samples.evidence
    again = EvidenceBatch.from_vectors(batch.vectors())
    for name in ("present", "quality", "support"):
        assert getattr(again, name) == pytest.approx(getattr(batch, name), abs=1e-6)


def test_what_stands_in_the_place_of_an_absent_stream_is_not_read() -> None:
    """A vector that says absent and then speaks is silent."""
    vector = np.ones((1, 63))
    vector[0, ::9] = 0
    batch = EvidenceBatch.from_vectors(vector)
    assert not batch.quality.any()
    assert not batch.support.any()


def test_a_stream_switched_off_leaves_no_trace() -> None:
    """Without GPS, a photo that had only GPS has nothing, and the others keep what they had."""
    batch = known.draw(200, seed=2).samples.evidence
    off = batch.without("gps")
    place = STREAMS.index("gps")
    assert batch.present[:, place].any()
    assert not off.vectors().reshape(-1, 7, 9)[:, place].any()
    rest = np.arange(7) != place
    assert (off.support[:, rest] == batch.support[:, rest]).all()


def test_every_continent_weighs_the_same() -> None:
    """The sum of weights is the same for every continent, and their mean is 1."""
    samples = known.draw(300, seed=3).samples
    weight = samples.weight()
    totals = np.bincount(samples.label, weight)
    assert weight.mean() == pytest.approx(1)
    assert totals == pytest.approx(np.full(7, totals[0]))
