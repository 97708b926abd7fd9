"""The arithmetic of the contest, by numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench import contenders, standings
from bench.standings import Score
from worker.errors import Refuse


def test_a_burst_is_counted_from_its_second_tenth() -> None:
    """However long the first results take to come, the rate is that of the others; order does not matter."""
    steady = 10 + np.arange(90) / 30
    slow_start = np.concatenate([np.linspace(0, 9, 10), steady])
    assert standings.saturated_rate(np.random.default_rng(1).permutation(slow_start)) == 30.0


def test_noise_shows_in_the_overhead() -> None:
    """What was measured is told, below zero too: cut off there, medians would be too high."""
    assert standings.overhead_us(0.9, 1000.0) == -100.0
    assert standings.overhead_us(1.25, 1000.0) == 250.0


@pytest.mark.parametrize("rate", [3.0, 60.0, 400.0])
def test_a_burst_outlasts_the_rarest_commit(rate: float) -> None:
    """A contender that commits every five seconds does so within it, and no rate makes it endless."""
    assert standings.burst_photos(rate, 60_000.0) / rate > 5.0
    assert standings.burst_photos(1e6, 60_000.0) == standings.MOST_PHOTOS
    assert standings.burst_photos(rate, 2e7) * 2e7 <= standings.MOST_BYTES


@pytest.mark.parametrize("rate", [9.0, 60.0, 400.0])
def test_a_p99_has_enough_photos_behind_it(rate: float) -> None:
    """Fast or slow, there are as many photos and it lasts as long as a burst; no rate makes it endless."""
    assert standings.latency_seconds(0.1) == standings.LONGEST_SECONDS
    assert standings.latency_seconds(rate) * rate >= standings.LATENCY_PHOTOS
    assert standings.latency_seconds(rate) >= standings.BURST_SECONDS


def test_what_was_found_adds_up() -> None:
    """Every figure of every round is kept, each in its own list."""
    score = Score(rates=[1.0])
    score.add(Score(rates=[2.0], p99s_ms=[3.0], p99_photos=[500], overheads_us=[-4.0]))
    assert score == Score(rates=[1.0, 2.0], p99s_ms=[3.0], p99_photos=[500], overheads_us=[-4.0])


def test_the_common_rate_is_what_the_slowest_can_take() -> None:
    """Its median decides, and who was not measured has no say."""
    scores = [Score(rates=[200.0]), Score(rates=[10.0, 50.0, 60.0]), Score(failure="it died")]
    assert standings.common_rate(scores) == 30.0


def test_every_other_round_runs_backwards() -> None:
    """A machine that gets slower does not always harm the same one."""
    assert [standings.in_turn(("a", "b"), number) for number in range(3)] == [
        ("a", "b"),
        ("b", "a"),
        ("a", "b"),
    ]


def test_figures_are_medians_and_keep_what_they_are_of() -> None:
    """One wild round does not decide, and can be seen."""
    score = Score(
        rates=[9.0, 100.0, 11.0],
        p99s_ms=[30.0, 20.0, 900.0],
        p99_photos=[501, 498, 507],
        overheads_us=[5.0, 7.0, 6.0],
    )
    found = standings.figures("plain", score, 25.0)
    assert (found.rate, found.p99_ms, found.overhead_us) == (11.0, 30.0, 6.0)
    assert (found.rates, found.p99s_ms, found.p99_rate) == ((9.0, 100.0, 11.0), (30.0, 20.0, 900.0), 25.0)
    assert found.p99_photos == (501, 498, 507)


@pytest.mark.parametrize("missing", ["rates", "p99s_ms", "overheads_us", "failure"])
def test_who_lacks_a_figure_or_failed_is_not_complete(missing: str) -> None:
    """No figure is made up for what was not measured."""
    score = Score(rates=[1.0], p99s_ms=[1.0], overheads_us=[1.0])
    assert score.complete
    setattr(score, missing, "it died" if missing == "failure" else [])
    assert not score.complete


def test_an_unknown_contender_is_refused_with_the_known_ones() -> None:
    """A misspelt name does not silently measure less."""
    with pytest.raises(Refuse, match=r"no contender qiux: choose from pangaea, quix"):
        contenders.chosen("plain,qiux")


@pytest.mark.parametrize("name", contenders.NAMES)
def test_everybody_states_version_and_promises(name: str) -> None:
    """Beside a figure stands what it was measured of, and what is promised for it."""
    promise = contenders.promised(name)
    assert contenders.versioned(name)[0].isdigit()
    assert all((promise.guarantees, promise.delivery, promise.order, promise.bounds))
    assert f"{name}: {contenders.asks(name)}" in standings.told_requests(contenders.NAMES)
