"""Risk against coverage, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.invented import drawn, truth_of
from training.evaluation import selective
from training.evaluation.answers import Answers


def answers_with(sureness: list[float], *, right: list[bool]) -> Answers:
    """Photos of which it is known how sure and how right the model is."""
    p = np.tile([0.4, *[0.1] * 6], (len(right), 1))
    label = np.where(right, 0, 1)
    return Answers(truth=truth_of(label), p=p, sureness=np.array(sureness))


def test_equals_are_called_together() -> None:
    """Equally sure of everything, the area is the risk of all: no order of the file counts."""
    right = [True] * 3 + [False] * 7
    for order in (right, right[::-1]):
        curve = selective.measure(answers_with([0.5] * 10, right=order))
        assert curve.area == pytest.approx(0.7)
        assert curve.risks == pytest.approx([0.7] * 20)


def test_a_sureness_that_knows_reaches_the_best_area() -> None:
    """Every right answer before every wrong one; turned round it is worse than blind."""
    right = [True] * 6 + [False] * 4
    knows = selective.measure(answers_with(np.linspace(1, 0, 10).tolist(), right=right))
    wrong_way = selective.measure(answers_with(np.linspace(0, 1, 10).tolist(), right=right))
    assert knows.area == pytest.approx(knows.best)
    assert wrong_way.best == pytest.approx(knows.best)
    assert wrong_way.area > wrong_way.blind == 0.4
    assert knows.risks[:12] == pytest.approx([0.0] * 12)


def test_the_curve_ends_at_the_risk_of_all() -> None:
    """At full coverage everything is called."""
    answers = drawn(101)
    curve = selective.measure(answers)
    assert curve.shares[-1] == 1.0
    assert curve.risks[-1] == pytest.approx(1 - answers.right.mean())
    assert curve.best <= curve.area
