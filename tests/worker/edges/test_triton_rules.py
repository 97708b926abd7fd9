"""What each failure of Triton means: one table, one case a rule."""

from __future__ import annotations

import pytest

from worker.edges.triton import RULES, EngineAway, EngineBusy, EngineFault, EngineTimeout, meaning
from worker.errors import Retry

CASES: list[tuple[str, str, type[Retry]]] = [
    ("DEADLINE_EXCEEDED", "Deadline Exceeded", EngineTimeout),
    ("UNAVAILABLE", "Request timeout expired", EngineTimeout),
    ("UNAVAILABLE", "[request id: 7] Exceeds maximum queue size", EngineBusy),
    ("UNAVAILABLE", "failed to connect to all addresses", EngineAway),
    ("RESOURCE_EXHAUSTED", "too many pings", EngineBusy),
    ("CANCELLED", "CANCELLED", EngineAway),
    ("NOT_FOUND", "Request for unknown model: 'continent' is not found", EngineAway),
    ("INTERNAL", "Failed to process the request(s): Stub process is not healthy.", EngineAway),
    ("INTERNAL", "Server is stopping, scheduler for model has stopped", EngineAway),
    ("UNKNOWN", "Stub process 'efficientnet_0' is not healthy.", EngineAway),
    ("INTERNAL", "Failed to process the request(s): ValueError: no", EngineFault),
]


@pytest.mark.parametrize(("status", "message", "expected"), CASES)
def test_meaning(status: str, message: str, expected: type[Retry]) -> None:
    """Each status and wording leads to the branch that the table says."""
    assert meaning(status, message) is expected


def test_every_rule_has_a_case() -> None:
    """No rule stands untested: each is the first match of some case."""
    reached = {
        next(
            index
            for index, rule in enumerate(RULES)
            if rule.status in {"", status} and rule.phrase in message.lower()
        )
        for status, message, _ in CASES
    }
    assert reached == set(range(len(RULES)))
