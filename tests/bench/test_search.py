"""Laws of the search, on servers that are made up: those that know their limit, and those that do not."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from bench.search import ATTEMPTS, Found, search

SECONDS = 30.0
RATES = st.floats(min_value=1, max_value=2_000)
STARTS = st.floats(min_value=0.1, max_value=3)


@dataclass(frozen=True)
class Run:
    """A made-up probe: its rate, and whether it was kept."""

    rate: float
    kept: bool


@dataclass
class Server:
    """Keeps rates up to `capacity`; near it, within the share `noise`, as chance has it."""

    capacity: float
    noise: float = 0.0
    budget: float = math.inf
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - made-up noise
    spent: float = 0.0

    def probe(self, rate: float) -> Run:
        """Take so long as a probe takes."""
        self.spent += SECONDS
        return Run(rate, rate <= self.capacity * (1 + self.chance.uniform(-self.noise, self.noise)))

    def affordable(self, _rate: float, _kept: float) -> bool:
        """Whether there is time for this probe and one more."""
        return self.spent + 2 * SECONDS <= self.budget

    def searched(self, start: float, resolution: float = 0.02) -> Found[Run]:
        """Search for what it keeps."""
        return search(
            self.probe,
            lambda run: "" if run.kept else "too much",
            start=start,
            resolution=resolution,
            affordable=self.affordable,
        )


@given(RATES, STARTS)
def test_a_server_that_knows_its_limit(capacity: float, start: float) -> None:
    """Whatever the first guess, the limit is found: never above it, below it by the resolution at most."""
    found = Server(capacity).searched(start * capacity)
    assert found.best == Run(found.kept, kept=True)
    assert found.kept <= capacity < found.failed
    assert found.failed - found.kept <= 0.02 * found.failed
    assert "close enough" in found.ended


@given(RATES, STARTS)
def test_no_rate_is_tried_too_often(capacity: float, start: float) -> None:
    """What was kept is not tried again, what failed is repeated once, and a good guess needs few probes."""
    found = Server(capacity).searched(start * capacity)
    tries = [run.rate for run in found.runs]
    assert all(tries.count(run.rate) == (1 if run.kept else ATTEMPTS) for run in found.runs)
    if 0.8 < start < 1.2:
        assert len(tries) <= 16


@given(RATES, STARTS, st.floats(min_value=0, max_value=0.3), st.randoms(use_true_random=False))
def test_a_noisy_server(capacity: float, start: float, noise: float, chance: random.Random) -> None:
    """With chance in it the result is a rate that was really kept, near the limit, below one that failed."""
    found = Server(capacity, noise, chance=chance).searched(start * capacity)
    assert found.best in found.runs
    assert found.best == Run(found.kept, kept=True)
    assert capacity * (1 - noise) * 0.97 <= found.kept <= capacity * (1 + noise)
    assert [run.kept for run in found.runs if run.rate == found.failed] == [False] * ATTEMPTS


@given(
    st.integers(min_value=0),
    st.floats(min_value=0, max_value=1),
    RATES,
    st.floats(min_value=0, max_value=1_000),
)
def test_the_budget_is_kept(seed: int, share: float, start: float, budget: float) -> None:
    """Even who answers by chance alone ends the search in time, with what there is and the reason."""
    server = Server(capacity=0, budget=budget)
    chance = random.Random(seed)  # noqa: S311 - made-up noise

    def probe(rate: float) -> Run:
        return Run(rate, chance.random() < share and server.probe(rate) is not None)

    def counted(rate: float) -> Run:
        run = probe(rate)
        server.spent += 0 if run.kept else SECONDS
        return run

    found = search(
        counted,
        lambda run: "" if run.kept else "too much",
        start=start,
        resolution=0.02,
        affordable=server.affordable,
    )
    assert server.spent <= max(0, budget - SECONDS)
    assert server.spent == SECONDS * len(found.runs)
    assert found.kept == max((run.rate for run in found.runs if run.kept), default=0)
    assert found.ended


def test_a_fluke_is_forgiven() -> None:
    """A rate that fails once and is kept when repeated is kept."""
    answers = iter([False, True])

    def probe(rate: float) -> Run:
        return Run(rate, rate < 100 and (rate != 50 or next(answers)))

    found = search(
        probe,
        lambda run: "" if run.kept else "too much",
        start=50,
        resolution=0.5,
        affordable=lambda _rate, _kept: True,
    )
    assert [run.kept for run in found.runs][:2] == [False, True]
    assert found.kept >= 50


def test_nothing_is_kept() -> None:
    """A server that keeps nothing ends the search, and that is what it says."""
    found = Server(capacity=0).searched(10)
    assert (found.kept, found.best) == (0, None)
    assert "no rate kept" in found.ended


def test_time_for_nothing() -> None:
    """Without time for a first probe there is none, and the reason is told."""
    found = Server(capacity=10, budget=SECONDS).searched(10)
    assert (found.runs, found.kept, found.failed) == ((), 0, math.inf)
    assert found.ended == "its time was up, with no rate kept"
