"""The sweep: what keeps a rate, how long a search may take, and what is made of the figures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest

from bench import sweep
from bench.figures import Latency, Sustained
from bench.search import Found
from tests.bench.invented import latency, limit
from worker.errors import Refuse

WELL = replace(latency(), valid=True, why="", p99_ms=150.0)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (WELL, "^$"),
        (replace(WELL, p99_ms=200.0), "^$"),
        (replace(WELL, p99_ms=201.0), "^p99 was 201 ms$"),
        (replace(WELL, lost=2), "2 photos were lost"),
        (replace(WELL, doubled=3), "3 came out twice"),
        (replace(WELL, rejected=1), "1 photos were rejected"),
        (replace(WELL, valid=False, why="the generator fell behind"), "the generator fell behind"),
        (replace(WELL, valid=False, ended_early=True, why="it was given up"), "it was given up"),
    ],
)
def test_what_keeps_a_rate(run: Latency, says: str) -> None:
    """A valid run, p99 within 200 ms, nothing lost, doubled or rejected; what is wrong is named."""
    complaint = sweep.complaint(run)
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(complaint)


def test_a_probe_is_long_enough() -> None:
    """At least 20 s and at least 2,000 photos, whichever is longer; its cost is more than its load."""
    effort = sweep.Effort()
    assert effort.seconds(200) == 20
    assert effort.seconds(50) == 40
    assert effort.cost(50) > effort.warm_up + 40


@dataclass
class Workers:
    """Made-up workers on a made-up clock, that keep rates up to a limit."""

    capacity: float
    effort: sweep.Effort = field(default_factory=sweep.Effort)
    now: float = 1_000.0
    rates: list[float] = field(default_factory=list)

    def probe(self, rate: float) -> Latency:
        """Take as long as a probe takes; where more than 5 s of work have piled up it is given up."""
        over = max(0.0, rate - self.capacity)
        piled_up = sweep.GIVE_UP_SECONDS * rate / over if over else math.inf
        self.now += min(self.effort.cost(rate), piled_up + sweep.SLACK_SECONDS)
        self.rates.append(rate)
        sent = round(rate * 1_000)
        return replace(
            WELL, rate=rate, sent=sent, seconds=1_000.0, p99_ms=90.0 if rate <= self.capacity else 900.0
        )


@pytest.mark.parametrize("share", [0.35, 0.62, 0.9, 1.3])
def test_a_search_within_eight_minutes(share: float) -> None:
    """Whatever share of the ceiling is kept, it is found in eight minutes, the run at 80% of it included."""
    ceilings = limit()
    workers = Workers(share * ceilings.ceiling)
    began = workers.now
    found = sweep.sustained(workers.probe, ceilings, 2, workers.effort, lambda: workers.now)
    assert workers.now - began <= 480
    assert found.max_rate <= workers.capacity
    assert found.too_high is not None
    assert workers.capacity < found.too_high
    # Slow workers need long probes: there the bracket may be wider when the time is up.
    assert found.too_high - found.max_rate <= 0.2 * workers.capacity
    assert found.at_80_percent.rate == workers.rates[-1] == pytest.approx(0.8 * found.max_rate, rel=0.01)
    assert [run.rate for run in found.probes] == workers.rates[:-1]
    assert found.workers == 2


def test_figures_beside_the_ceilings() -> None:
    """The rate is what was sent, ratios are by the ceilings and by their parts' CPU, costs by the account."""
    best = replace(WELL, rate=52.0, sent=1_022, seconds=20.0)
    found = Found(kept=52.0, best=best, failed=54.0, runs=(best,), ended="it had come close enough")
    made = sweep.of(best, found, limit(), 1, WELL)
    assert made.ratio == pytest.approx(51.1 / 104)
    assert made.bare_ratio == pytest.approx(51.1 / 196)
    # Decoding 4.18, Triton 1.3 + 11.2, Kafka 1.24 (the broker apart); spent: worker 7.1, Triton 11.0.
    assert made.cpu_ratio == pytest.approx(17.92 / 18.1)
    assert (made.max_rate, made.too_high) == (51.1, 54.0)
    assert made.ended == "it had come close enough"
    # 19.8 ms a photo, a million times, in hours.
    assert sweep.core_hours(made, 1_000_000) == pytest.approx(5.5)


def test_no_rate_was_too_high() -> None:
    """Where none failed that is null, not infinity, in the figures."""
    found = Found(kept=80.0, best=WELL, failed=math.inf, runs=(WELL,), ended="its time was up")
    assert sweep.of(WELL, found, limit(), 1, WELL).too_high is None


def test_a_generator_in_doubt_is_named() -> None:
    """Where the generator fell behind at the rate that failed, the figures say that it may have been that."""
    behind = replace(WELL, rate=54.0, valid=False, why="it fell behind", generator_lag_ms=12.0)
    found = Found(kept=52.0, best=WELL, failed=54.0, runs=(WELL, behind, behind), ended="close enough")
    assert sweep.of(WELL, found, limit(), 1, WELL).ended == (
        "close enough; at 54 the generator fell behind in 2 runs, so it may have been that"
    )


def test_nothing_is_kept() -> None:
    """Workers that keep no rate end in one sentence that says what was wrong at each."""
    workers = Workers(0.0)
    with pytest.raises(Refuse, match=r"no rate was kept.*at 83\.2 a second p99 was 900 ms.*--minutes"):
        sweep.sustained(workers.probe, limit(), 1, workers.effort, lambda: workers.now)


def test_what_one_number_of_workers_does_not_keep_costs_another_nothing() -> None:
    """The figures of those that kept a rate stay, and why the others kept none is beside them."""
    ceilings = limit()

    def one(count: int) -> Sustained:
        workers = Workers(80.0 if count == 1 else 0.0)
        return sweep.sustained(workers.probe, ceilings, count, workers.effort, lambda: workers.now)

    found, nothing_kept = sweep.searched((4, 1), one)
    assert [each.workers for each in found] == [1]
    assert list(nothing_kept) == ["4"]
    assert "no rate was kept by 4 worker(s)" in nothing_kept["4"]
    with pytest.raises(Refuse, match=r"by 2 worker\(s\).*by 3 worker\(s\)"):
        sweep.searched((2, 3), one)
