"""Corrupted photos against the same photos clean."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn
from training.evaluation.answers import Answers
from training.evaluation.robustness import CASES, CLEAN, canvas, submission, table
from training.evaluation.served import Submitted
from training.places import EXAMPLES
from worker.errors import Reject
from worker.prepare.decode import DecodeLimits, Target, decode

LIMITS = DecodeLimits(50_000_000, 20_000)
TARGET = Target(260, 0.875)


def test_every_corruption_comes_at_three_severities_beside_the_clean_photo() -> None:
    """Eleven corruptions, three severities, and clean once."""
    assert CASES[0] == CLEAN
    assert len(CASES) == len(set(CASES)) == 1 + 11 * 3


def test_the_table_holds_each_case_against_clean() -> None:
    """A corruption that changes nothing agrees in full; one that turns answers round does not."""
    clean = drawn(60, seed=1)
    turned = Answers.plain(clean.truth, np.roll(clean.p, 1, axis=1))
    same, other = table({CLEAN: clean, ("fog", 1): clean, ("fog", 3): turned})
    assert (same.corruption, same.severity, other.severity) == ("fog", 1, 3)
    assert same.agreement.value == 1.0
    assert same.nll_change.value == same.top1_change.value == 0.0
    assert other.agreement.value == 0.0
    assert other.top1_change.value == pytest.approx(turned.right.mean() - clean.right.mean())
    assert other.nll_change.value is not None
    assert other.nll_change.value > 0


def test_a_clean_photo_survives_its_way_as_a_file() -> None:
    """What the engine sees of the canvas is what it sees of the photo, but for half a pixel."""
    sent = Submitted((EXAMPLES / "europe-bern.jpg").read_bytes(), caption="not to travel")
    pixels = canvas(sent, LIMITS, TARGET)
    assert pixels.shape == (297, 297, 3)
    again = submission(pixels, CLEAN)
    assert again.caption is None
    direct = decode(sent.data, LIMITS, TARGET).pixels.astype(float)
    by_way = decode(again.data, LIMITS, TARGET).pixels
    assert by_way.shape == direct.shape
    assert np.abs(by_way - direct).mean() < 6
    assert np.abs(decode(submission(pixels, ("noise", 3)).data, LIMITS, TARGET).pixels - direct).mean() > 20


def test_what_the_worker_would_reject_is_not_corrupted() -> None:
    """The same refusal as at the worker's."""
    with pytest.raises(Reject):
        canvas(Submitted(b"no image"), LIMITS, TARGET)
