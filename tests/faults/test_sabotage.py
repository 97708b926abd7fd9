"""Promises broken on purpose: the same trials, and the account goes red; one that cannot proves nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS
from tests.faults.field import Field, Trial
from tests.faults.fields import opened
from tests.faults.ledger import Audit
from tests.faults.sabotage import SABOTAGE

RUN = {fault.name: fault.run for fault in FAULTS}
RATE = 150.0
"""Many at once, so that some are always under way."""

SILENT_SECONDS = 3.0
"""After so long without a record what is missing is lost."""


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A stack whose engine fails on one photo in ten: photos then finish out of order."""
    with opened("faulty", tmp_path_factory.mktemp("sabotage")) as running:
        yield running


def broken(field: Field, fault: str, promise: str) -> Audit:
    """Run a fault's trial with workers that break this promise."""
    with Trial(
        field, f"no-{promise}", rate=RATE, module="tests.faults.sabotage", settings={SABOTAGE: promise}
    ) as trial:
        RUN[fault](trial, 1)
        # Not missing but late would be no finding: whoever is only behind goes on publishing.
        trial.accountant.silent(SILENT_SECONDS, at_most=60.0)
        return trial.result(promise, 1, None).audit


def test_position_instead_of_watermark(field: Field) -> None:
    """Committing what was read, not what was published, loses photos when the worker is killed."""
    assert broken(field, "killed", "position").lost > 0


def test_completion_instead_of_order(field: Field) -> None:
    """Publishing photos as they finish puts them out of order."""
    assert broken(field, "engine-errs", "completion").out_of_order > 0


def test_no_epochs(field: Field) -> None:
    """Going on with photos of a partition that has moved publishes them twice."""
    assert broken(field, "revoked-in-flight", "epoch").duplicated > 0
