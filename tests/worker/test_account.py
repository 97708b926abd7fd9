"""However photos leave the loop, each is counted once. Stand-ins for Kafka's edges do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Literal, cast

import pytest

from tests.worker import samples
from worker import pipeline as module
from worker.edges import logs, succession
from worker.edges.consumer import Record, Start
from worker.edges.health import Health
from worker.edges.metrics import Metrics
from worker.edges.producer import Verdict
from worker.edges.succession import Told
from worker.path import Path
from worker.pipeline import Pipeline
from worker.record import Outcome, Partition, Photo, Source
from worker.settings import LifeSettings, Settings
from worker.workshop import Workshop

HOME, OTHER = Partition("photos", 0), Partition("photos", 1)


async def never(_: Photo) -> Outcome:
    """Work on a photo without end."""
    return await asyncio.Future()


class Publisher:
    """Takes a transaction; how it ends is told by the test."""

    busy_since = None
    queued = 0

    def __init__(self, *_: object) -> None: ...

    def open(self) -> None:
        """Register the name."""

    def publish(self, *_: object) -> None:
        """Take it."""

    def retire(self) -> None:
        """End."""

    def close(self) -> None:
        """End."""


class Reader:
    """A consumer that has nothing to read, and that leaves without a word, as one does that is finished."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def group_metadata(self) -> None:
        """Be no member of anything."""

    def close(self) -> None:
        """Leave."""


class Loop:
    """A pipeline with two partitions, three photos of each at work: one is finished, two are not."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        settings = Settings(life=LifeSettings(drain_ms=1))
        workshop = Workshop()
        self.pipeline = Pipeline(
            settings,
            cast("Path", SimpleNamespace(recipe=samples.recipe(), outcome=never)),
            health=Health(),
            metrics=self.metrics,
            logger=logs.configure(settings.log, self.metrics).logger,
            transactional_id="x",
            stopping=lambda: False,
            rebuilt=lambda _: None,
            beginnings={},
            workshop=workshop,
        )
        self.workshop = workshop
        self.told("registered")
        # Nothing is assigned yet, so there is nothing to read again.
        self.pipeline._restart = False
        self.pipeline.assigned({HOME: Start(0, fresh=False), OTHER: Start(0, fresh=False)})
        for home in (HOME, OTHER):
            for offset in range(3):
                # Without a value it is rejected as it is taken; with one it is left to the workshop.
                self.take(home, offset, b"" if offset == 0 else b"x")
        self.pipeline._publish()

    def take(self, home: Partition, offset: int, value: bytes) -> None:
        """Take a photo whose outcome, but for an empty one, never comes."""
        record = Record(
            source=Source(home.topic, home.number, offset), key=None, value=value, headers=(), timestamp=None
        )
        self.pipeline._take(record)

    def told(self, kind: Literal["registered", "committed", "aborted", "fatal"]) -> None:
        """The producer reports."""
        self.pipeline._heard(Told(self.pipeline._publisher._number, Verdict(kind, "why", 0.0)))

    def ended(self, kind: Literal["committed", "aborted", "fatal"]) -> None:
        """The transaction under way has ended so."""
        self.told(kind)
        self.pipeline._observe()

    def account(self) -> dict[str, float]:
        """What became of the photos: rejected, in flight, or dropped by its reason."""
        value = self.metrics.registry.get_sample_value
        reasons = ("revoked", "lost", "aborted", "closed", "overtaken")
        told = {each: value("pangaea_photos_dropped_total", {"reason": each}) for each in reasons}
        told["rejected"] = value("pangaea_photos_rejected_total", {"reason": "empty"})
        told["in flight"] = value("pangaea_in_flight_photos")
        found = {name: count for name, count in told.items() if count}
        assert sum(found.values()) == value("pangaea_photos_consumed_total") == 6
        return found


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    """The loop, between stand-ins."""
    monkeypatch.setattr(succession, "TransactionalPublisher", Publisher)
    monkeypatch.setattr(module, "PhotoSource", Reader)
    made = Loop()
    yield made
    made.workshop.close()


SCENES: dict[str, tuple[list[Callable[[Loop], object]], dict[str, float]]] = {
    "committed": (
        [lambda loop: loop.ended("committed")],
        {"rejected": 2, "in flight": 4},
    ),
    "committed after a loss": (
        [lambda loop: loop.pipeline.lost([HOME]), lambda loop: loop.ended("committed")],
        {"rejected": 2, "lost": 2, "in flight": 2},
    ),
    "committed after a revoke": (
        [lambda loop: loop.pipeline.revoking([HOME]), lambda loop: loop.ended("committed")],
        {"rejected": 2, "revoked": 2, "in flight": 2},
    ),
    "aborted": (
        [lambda loop: loop.ended("aborted")],
        {"aborted": 6},
    ),
    "aborted after a loss": (
        [lambda loop: loop.pipeline.lost([HOME]), lambda loop: loop.ended("aborted")],
        {"lost": 2, "aborted": 4},
    ),
    "aborted after a loss and a return": (
        [
            lambda loop: loop.pipeline.lost([HOME]),
            lambda loop: loop.pipeline.assigned({HOME: Start(0, fresh=False)}),
            lambda loop: loop.ended("aborted"),
        ],
        {"lost": 2, "aborted": 4},
    ),
    "overtaken by retention": (
        [
            lambda loop: loop.pipeline.assigned({HOME: Start(9, fresh=True)}),
            lambda loop: loop.ended("committed"),
        ],
        {"overtaken": 2, "rejected": 2, "in flight": 2},
    ),
    "fatal": (
        [lambda loop: loop.ended("fatal")],
        {"aborted": 6},
    ),
    "fatal after a loss": (
        [lambda loop: loop.pipeline.lost([HOME]), lambda loop: loop.ended("fatal")],
        {"lost": 2, "aborted": 4},
    ),
    "closed in the middle of a transaction": (
        [lambda loop: loop.pipeline._close()],
        {"closed": 6},
    ),
    "closed in the middle of a transaction after a loss": (
        [lambda loop: loop.pipeline.lost([HOME]), lambda loop: loop.pipeline._close()],
        {"lost": 2, "closed": 4},
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_each_photo_is_counted_once(loop: Loop, scene: str) -> None:
    """Of six photos two are in an open transaction when something happens: none is missing, none is twice."""
    steps, expected = SCENES[scene]
    for step in steps:
        step(loop)
    assert loop.account() == expected
