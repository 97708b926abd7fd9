"""One photo's way, with a small engine in Triton's place: who is blamed, who is shed, and what clocks do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from tests.end_to_end import faulty
from tests.worker import samples
from tests.worker.prepare.evidence import photographed
from worker.edges import logs
from worker.edges.consumer import Record
from worker.edges.metrics import Metrics
from worker.edges.triton import EngineAway, EngineFault, EngineTimeout
from worker.errors import Retry
from worker.intake import intake
from worker.outputs import output
from worker.path import Path
from worker.prepare.decode import Target
from worker.record import NO_EVIDENCE, Answer, Moment, Outcome, Photo, Prediction, Prepared, Rejection, Source
from worker.requests import Requests
from worker.settings import Settings
from worker.suspects import Suspects

KNOWN = samples.prepared()
WELL = np.tile(np.linspace(4, 5, 5, dtype=np.float32)[:, None], (1, 7))
NOW = 1_000.0


class Engine:
    """Fails on a photo as often as it is told to; knows who shared its time with whom."""

    def __init__(self, failures: Iterable[Exception] = ()) -> None:
        self._failures = iter(failures)
        self.deadlines: list[float] = []
        self._present: set[object] = set()
        self._shared: set[object] = set()
        self.alone: list[bool] = []

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Answer a request; one with a red photo, and the first that comes, may be a failure's turn."""
        me = object()
        self._present.add(me)
        if len(self._present) > 1 or len(photos) > 1:
            self._shared |= self._present
        await asyncio.sleep(0.01)
        self._present.remove(me)
        answers = [samples.answer(WELL)] * len(photos)
        if photos[0] is KNOWN:
            return answers
        self.deadlines.append(seconds)
        if any(photo.pixels[130, 130, 0] > 200 for photo in photos):
            self.alone.append(me not in self._shared)
            raise EngineFault("a batch that it cannot digest")
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return answers


class SlowStore:
    """A store of photos by reference that takes all the time it is given, and does not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.given: list[float] = []

    async def fetch(self, dataref: str, *, timeout: float) -> bytes:  # noqa: ASYNC109 - the store's own deadline
        """Fetch nothing."""
        self.given.append(timeout)
        self._clock.now += timeout
        raise Retry(f"{dataref} did not come in time")


class Clock:
    """A steady clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Say what it is set to."""
        return self.now


class LateThreads(ThreadPoolExecutor):
    """Decode threads that come free when a photo's time is over."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(1)
        self._clock = clock

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Let the time pass, then begin."""
        self._clock.now += 0.3
        return super().submit(fn, *args, **kwargs)


class Crowded(Engine):
    """Has the well photos with it until the red one has been tried twice and the known one answered again."""

    def __init__(self) -> None:
        super().__init__()
        self._tried_twice = asyncio.Event()

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Answer a request; for a well photo late."""
        answers = await super().infer(photos, seconds)
        if photos[0] is KNOWN:
            if len(self.alone) == 2:
                self._tried_twice.set()
        else:
            await self._stay()
        return answers

    async def _stay(self) -> None:
        me = object()
        self._present.add(me)
        await self._tried_twice.wait()
        # As many turns of the loop as the next attempt can need, and no clock in it.
        for _ in range(100):
            await asyncio.sleep(0)
        self._present.remove(me)


def follow(engine: Engine, photos: Sequence[Photo], settings: Settings, **parts: Any) -> list[Outcome]:
    """Send photos down the path side by side and return their outcomes."""
    metrics = Metrics()

    async def send() -> list[Outcome]:
        with ThreadPoolExecutor(1) as decoders:
            own: dict[str, Any] = {
                "settings": settings,
                "recipe": samples.recipe(),
                "target": Target(size=260, crop=0.875),
                "payloads": SlowStore(Clock()),
                "decoders": decoders,
                "requests": Requests(
                    engine,
                    in_flight=settings.triton.in_flight,
                    photos=settings.triton.photos_per_request,
                    metrics=metrics,
                ),
                "suspects": Suspects(partial(engine.infer, [KNOWN], 1.0)),
                "metrics": metrics,
                "logger": logs.configure(settings.log, metrics).logger,
            }
            path = Path(**(own | parts))
            return list(await asyncio.gather(*(path.outcome(each) for each in photos)))

    return asyncio.run(send())


def photo(offset: int = 0, colour: tuple[int, int, int] = faulty.WELL, **changes: Any) -> Photo:
    """A photo that decodes, with its whole budget before it."""
    own: dict[str, Any] = {"payload": faulty.photo(colour), "begun": NOW, "deadline": NOW + 0.2}
    return samples.photo(offset, **(own | changes))


def settings(**groups: dict[str, Any]) -> Settings:
    """Settings with something changed."""
    return Settings.model_validate(groups)


def test_failures_that_a_known_photo_answers_for_are_counted() -> None:
    """The engine is well and fails on this photo: it is rejected after its attempts, and not before."""
    (outcome,) = follow(Engine([EngineFault("raises")] * 2), [photo()], settings())
    assert isinstance(outcome, Prediction)
    (outcome,) = follow(Engine([EngineFault("raises")] * 3), [photo()], settings())
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "engine_error"


class Attentive(Engine):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Prepared] = []

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Answer a request."""
        self.asked += photos
        return await super().infer(photos, seconds)


def test_what_a_photo_and_its_sender_tell_reaches_the_engine() -> None:
    """EXIF and envelope become evidence; the policy keeps positions out, a card without fusion all of it."""
    where = photographed.photo(place=photographed.position(35.68, 139.69))
    told = photo(payload=where, caption="Shibuya, Tokyo, Japan", timezone="Asia/Tokyo")
    found = {}
    for name, chosen, recipe in (
        ("usual", settings(), samples.recipe()),
        ("no gps", settings(evidence={"gps": False}), samples.recipe()),
        ("image alone", settings(), samples.recipe(fused=None)),
    ):
        engine = Attentive()
        (outcome,) = follow(engine, [told], chosen, recipe=recipe)
        assert isinstance(outcome, Prediction)
        assert outcome.evidence == engine.asked[-1].evidence
        found[name] = outcome
    assert found["usual"].evidence.gps_continent == "asia"
    assert set(found["usual"].evidence.streams) == {"caption", "timezone", "gps"}
    assert found["no gps"].evidence.gps_continent is None
    assert set(found["no gps"].evidence.streams) == {"caption", "timezone"}
    assert found["image alone"].evidence is NO_EVIDENCE
    assert found["usual"].fused is not None
    assert found["image alone"].fused is None


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_failure_while_the_engine_answers_nobody_is_not_counted(attempts: int) -> None:
    """What fails while the server is ill is answered when it is well, however few attempts there are."""
    ill = iter([EngineFault("ill"), EngineTimeout("ill"), EngineAway("gone")])

    async def control() -> None:
        failure = next(ill, None)
        if failure is not None:
            raise failure

    engine = Engine([EngineFault("ill")])
    (outcome,) = follow(
        engine, [photo()], settings(triton={"attempts": attempts}), suspects=Suspects(control)
    )
    assert isinstance(outcome, Prediction)


def test_a_photo_that_keeps_the_engine_busy_is_given_up() -> None:
    """After each of its turns the engine answers nobody for a while; its failures count all the same."""
    known = cycle([None, EngineTimeout("busy"), EngineTimeout("busy")])

    async def control() -> None:
        failure = next(known)
        if failure is not None:
            raise failure

    engine = Engine([EngineTimeout("slow")] * 10)
    (outcome,) = follow(engine, [photo()], settings(), suspects=Suspects(control))
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "engine_error"


def test_the_attempt_that_decides_is_made_alone() -> None:
    """An engine may raise for its whole batch: nobody else is at it when a photo fails for the last time."""
    engine = Crowded()
    photos = [photo(offset) for offset in range(8)]
    photos[5] = photo(5, faulty.RAISES)
    outcomes = follow(engine, photos, settings(triton={"photos_per_request": 1, "in_flight": 16}))
    assert [each.photo.source.offset for each in outcomes if isinstance(each, Rejection)] == [5]
    assert engine.alone == [False, False, True]


@pytest.mark.parametrize(("late", "reason"), [("shed", "deadline"), ("mark", "unsupported_format")])
def test_a_photo_whose_time_runs_out_before_its_decoding(late: str, reason: str) -> None:
    """Shed, it is rejected undecoded, though it waited in time; marked, it is decoded all the same."""
    clock = Clock()
    with LateThreads(clock) as decoders:
        (outcome,) = follow(
            Engine(),
            [photo(payload=b"no image")],
            settings(deadline={"late": late}),
            clock=clock,
            decoders=decoders,
        )
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("late", "reason", "given"),
    [("shed", "deadline", [0.2]), ("mark", "payload_unavailable", [2.0, 2.0, 2.0])],
)
def test_a_photo_whose_time_runs_out_while_it_is_fetched(late: str, reason: str, given: list[float]) -> None:
    """Shed, its store gets what remains and no more; marked, all its attempts."""
    clock = Clock()
    store = SlowStore(clock)
    far = photo(payload=b"", dataref="s3://bucket/far.jpg")
    (outcome,) = follow(Engine(), [far], settings(deadline={"late": late}), clock=clock, payloads=store)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason
    assert store.given == pytest.approx(given)


@pytest.mark.parametrize(
    ("late", "budget", "expected"), [("mark", 0.2, 2.0), ("mark", 5.0, 5.0), ("shed", 0.2, 0.2)]
)
def test_the_engines_deadline(late: str, budget: float, expected: float) -> None:
    """It is what remains of the budget; where late photos are marked, at least the patience."""
    engine = Engine()
    follow(engine, [photo(deadline=NOW + budget)], settings(deadline={"late": late}), clock=Clock())
    assert engine.deadlines == pytest.approx([expected])


@pytest.mark.parametrize("late", ["mark", "shed"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_jumps(hours: int, late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a photo at the engine it changes nothing: not its deadline there, nor its times, nor its fate."""
    chosen = settings(deadline={"late": late, "budget_ms": 5_000})
    right = time.time

    def now() -> Moment:
        return Moment(wall=time.time(), steady=time.monotonic())

    class Jumping(Engine):
        async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
            monkeypatch.setattr("time.time", lambda: right() + hours * 3_600)
            return await super().infer(photos, seconds)

    record = Record(
        source=Source("photos", 0, 7),
        key=None,
        value=faulty.photo(faulty.WELL),
        headers=(),
        timestamp=time.time() - 0.05,
    )
    taken = intake(record, now=now(), limit=chosen.limit, deadline=chosen.deadline).photo
    # Once before and once after the jump: the second one's decoding begins on the wrong clock.
    engine = Jumping([EngineFault("raises")])
    outcomes = [follow(engine, [taken], chosen)[0] for _ in range(2)]
    for outcome in outcomes:
        assert isinstance(outcome, Prediction)
        record_out = output(outcome, samples.recipe(), now=now(), budget_ms=chosen.deadline.budget_ms)
        timing = json.loads(record_out.value)["timing"]
        assert not timing["late"]
        assert all(0 <= timing[name] < 5_000 for name in ("queue_ms", "decode_ms", "infer_ms"))
        assert 50 <= timing["total_ms"] < 5_000
    assert all(0 < seconds <= 5 for seconds in engine.deadlines)
