"""Every fault once: in = out, nothing lost, nothing twice, in order. `make faults` is the long run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.faults import FAULTS, Fault, attempt
from tests.faults.field import Field
from tests.faults.fields import opened
from tests.faults.steady import drain

GROWTH_MIB = 10.0
"""What allocators may keep; a backlog that was taken in whole would be over a hundred."""

FIELDS = ("real", "faulty", "small")
SHORT = sorted((fault for fault in FAULTS if fault.short), key=lambda fault: FIELDS.index(fault.field))

Enter = Callable[[str], Field]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enter]:
    """The field of a name; faults of one field share it, and one is open at a time."""
    with ExitStack() as stack:
        opened_now: dict[str, Field] = {}

        def enter(name: str) -> Field:
            if name not in opened_now:
                opened_now.clear()
                stack.close()
                opened_now[name] = stack.enter_context(opened(name, tmp_path_factory.mktemp(name)))
            return opened_now[name]

        yield enter


def test_memory_is_flat_in_front_of_a_backlog(field: Enter) -> None:
    """What waits in the topic does not wait in the worker: its memory stays where it was once it is warm."""
    found = drain(field("real"), backlog=10_000, seconds=5.0, idle_seconds=0.0)
    assert found.published > 0
    assert found.growth_mib < GROWTH_MIB


@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: fault.name)
def test_fault(field: Enter, fault: Fault) -> None:
    """Something real breaks while photos flow; each still ends in exactly one record, in order."""
    if fault.field == "small" and os.geteuid() != 0:
        pytest.skip("a disk of its own needs the right to mount one")
    result = attempt(fault, field(fault.field), fault.short)
    assert result.audit.sent > 0
    assert result.audit.exact, result.audit.wrong
    for what, count in {"rejected without need": 0, **expected(fault.name)}.items():
        assert result.notes[what] == count, (what, dict(result.notes))


def expected(name: str) -> dict[str, int]:
    """What else must be seen, beside an exact account: that the fault did what it is named for."""
    return {
        "stopped-past-session": {"aborted transactions": 1, "clients rebuilt": 0},
        "stopped-past-transaction": {"clients rebuilt": 1},
        "answer-lost": {"clients rebuilt": 1},
    }.get(name, {})
