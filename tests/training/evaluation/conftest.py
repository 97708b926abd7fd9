"""What the tests of evaluation share."""

from __future__ import annotations

import pytest

from tests.training.evaluation.invented import embedded, silent, simple
from training.evaluation.carried import Carried
from training.evaluation.evaluation import Evaluation, on_unseen_sources
from training.fusion.batch import EvidenceBatch
from worker.record import NO_EVIDENCE, Evidence, Stream


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """The headline on a hundred invented photos, with a caption for every third."""
    asia = Stream(likelihood=(0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1), quality=0.5)
    said = Evidence(streams={"caption": asia}, gps_continent=None, disagreement=0.0)
    batch = EvidenceBatch.of([said if row % 3 == 0 else NO_EVIDENCE for row in range(100)])
    return on_unseen_sources(
        embedded(n=100, seed=7, noise=0.5),
        simple,
        model={"card": "invented"},
        meter=silent,
        carried=Carried(open=batch, located=batch),
    )
