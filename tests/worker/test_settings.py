"""Settings that contradict each other are refused; the bounds that follow from others are kept by them."""

from __future__ import annotations

import orjson
import pytest

from tests.worker import samples
from worker.errors import Refuse
from worker.finish.recipe import Recipe
from worker.outputs import output
from worker.prepare.event import LONGEST_ID
from worker.record import Moment, Source
from worker.settings import PROFILES, RESULT_BYTES, Settings, load


def test_a_transaction_fits_the_producers_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many results as photos may be in flight must find room in it, or the start is refused."""
    assert Settings().kafka.producer_queue_kib * 1024 >= Settings().limit.in_flight * RESULT_BYTES
    monkeypatch.setenv("PANGAEA_LIMIT__IN_FLIGHT", "5000")
    with pytest.raises(Refuse, match="PANGAEA_KAFKA__PRODUCER_QUEUE_KIB must be 40000 at least") as refused:
        load()
    assert refused.value.exit_code == 2
    monkeypatch.setenv("PANGAEA_KAFKA__PRODUCER_QUEUE_KIB", "40000")
    assert load().limit.in_flight == 5_000


def test_no_result_is_larger_than_is_reckoned_with() -> None:
    """The longest id, topic, card and sentence make a value that stays within it."""
    longest = "\N{LEFT-POINTING MAGNIFYING GLASS}" * LONGEST_ID
    photo = samples.photo(photo_id=longest, source=Source("t" * 249, 99_999, 2**63 - 1))
    prediction = samples.prediction(1 / 3, photo=photo)
    recipe: Recipe = samples.recipe(card_id="c" * 200)
    value = output(prediction, recipe, now=Moment(wall=2e9, steady=2e9), budget_ms=10**9).value
    assert orjson.loads(value)["photo_id"] == longest
    assert len(value) < RESULT_BYTES


def test_a_profile_sets_defaults_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The throughput profile changes what its table says; what is set by hand stays as it was set."""
    usual = load()
    assert usual == Settings(profile="latency")
    monkeypatch.setenv("PANGAEA_PROFILE", "throughput")
    monkeypatch.setenv("PANGAEA_KAFKA__GROUP", "here")
    changed = load()
    for group, values in PROFILES["throughput"].items():
        for name, value in values.items():
            assert getattr(getattr(changed, group), name) == value
            assert getattr(getattr(usual, group), name) != value
    assert changed.kafka.group == "here"
    monkeypatch.setenv("PANGAEA_KAFKA__COMMIT_INTERVAL_MS", "7")
    assert load().kafka.commit_interval_ms == 7
    monkeypatch.setenv("PANGAEA_PROFILE", "speed")
    with pytest.raises(Refuse, match="PANGAEA_PROFILE"):
        load()
