"""Conformal sets and selective prediction on photos."""

from __future__ import annotations

import numpy as np
import pytest

from training.card import student_t
from training.uncertainty import known
from training.uncertainty.sets import conformal_rows, selective_block

T = student_t(5)


@pytest.fixture(scope="module")
def world() -> known.Known:
    """Photos of ten sources, exchangeable."""
    return known.draw(400, seed=1)


def test_sets_cover_what_they_promise_in_domain(world: known.Known) -> None:
    """Every score at both levels: mean coverage near its mark, and nearly all splits inside the band."""
    source = (np.arange(400) % 10).astype(str)
    rows = conformal_rows(world.posterior, world.samples.label, source)
    assert [(row["score"], row["alpha"]) for row in rows] == [
        ("lac", 0.1),
        ("lac", 0.05),
        ("aps", 0.1),
        ("aps", 0.05),
    ]
    for row in rows:
        assert row["in_domain"]["coverage"] == pytest.approx(1 - row["alpha"], abs=0.015)
        assert row["in_domain"]["inside"] > 0.88
        assert row["unseen_sources"]["coverage"] == pytest.approx(1 - row["alpha"], abs=0.04)
        assert row["per_continent_unseen_sources"]["mean_set_size"] >= 1
    # The least ambiguous sets are the smallest there are.
    assert rows[0]["unseen_sources"]["mean_set_size"] < rows[2]["unseen_sources"]["mean_set_size"] + 0.05


def test_a_source_that_is_different_is_not_covered(world: known.Known) -> None:
    """Where one source's answers are wrong, its sets miss, and the figure of unseen sources says so."""
    p, label = world.posterior.copy(), world.samples.label
    odd = np.arange(400) >= 300
    p[odd] = np.roll(p[odd], 3, axis=1)
    source = np.where(odd, "odd", (np.arange(400) % 5).astype(str))
    rows = conformal_rows(p, label, source)
    assert rows[0]["in_domain"]["coverage"] == pytest.approx(0.9, abs=0.02)
    assert rows[0]["unseen_sources"]["coverage"] < 0.87


def test_a_model_that_knows_earns_a_threshold_and_one_that_guesses_none() -> None:
    """The same labels, told nearly always or never, by photos of sources and groups of their own."""
    rng = np.random.default_rng(2)
    label, own = rng.integers(0, 7, 300), np.arange(300).astype(str)
    noise = rng.normal(0, 0.1, (300, 5, 7))
    sure = noise + 6.0 * np.eye(7)[label][:, None]
    knows, guesses = (selective_block(z, label, own, own, student_t=T) for z in (sure, noise))
    assert knows["theta"] == 0.2
    assert knows["risk_at"]["1.0"] == 0
    assert guesses["theta"] is None
    assert guesses["aurc"] > 0.7
    assert knows["excess_aurc"] == pytest.approx(0)
