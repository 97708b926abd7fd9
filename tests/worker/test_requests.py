"""Photos that wait for the engine: who shares a request, who gets one alone, and whose time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker import samples
from worker.edges.metrics import Metrics
from worker.edges.triton import EngineFault, EngineTimeout
from worker.errors import Reject
from worker.record import Answer, Prepared
from worker.requests import Requests

MANY = 1_000


class Engine:
    """Answers a photo with its own number, a request for each time it is let; notes what came in each."""

    def __init__(self, *, held: bool = True) -> None:
        self.requests: list[list[int]] = []
        self.most = 0
        self._under_way = 0
        self._gate = asyncio.Semaphore(0 if held else MANY)
        self.failure: Exception | None = None

    def let(self, requests: int = MANY) -> None:
        """Have so many requests answered."""
        for _ in range(requests):
            self._gate.release()

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Wait to be let, then answer or fail; `seconds` is kept to as gRPC would."""
        self.requests.append([int(photo.pixels[0, 0, 0]) for photo in photos])
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await asyncio.wait_for(self._gate.acquire(), seconds)
        finally:
            self._under_way -= 1
        if self.failure is not None:
            raise self.failure
        return [samples.answer(np.full((1, 1), photo.pixels[0, 0, 0], np.float32)) for photo in photos]


def photo(number: int) -> Prepared:
    """A photo that can be told from others."""
    return samples.prepared(pixels=np.full((1, 1, 3), number, np.uint8))


def enough() -> float:
    """A time limit that no test reaches."""
    return 30.0


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(
    scene: Callable[[Engine, Requests], Coroutine[Any, Any, None]], *, in_flight: int = 2, photos: int = 3
) -> Engine:
    """Play a scene with an engine that is held."""

    async def play() -> Engine:
        engine = Engine()
        requests = Requests(engine, in_flight=in_flight, photos=photos, metrics=Metrics())
        await scene(engine, requests)
        await requests.close()
        return engine

    return asyncio.run(play())


def test_who_waits_together_goes_together() -> None:
    """Photos go one by one while there is room; who waits goes together, in order and within bounds."""

    async def scene(engine: Engine, requests: Requests) -> None:
        asked = [asyncio.create_task(requests.ask(photo(number), enough)) for number in range(7)]
        await settled()
        assert engine.requests == [[0], [1]]
        engine.let()
        assert [float(said.stage1[0, 0]) for said in await asyncio.gather(*asked)] == list(range(7))

    assert run(scene).requests == [[0], [1], [2, 3, 4], [5, 6]]


@given(
    st.lists(st.sampled_from(["shared", "own", "alone"]), max_size=20),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_everybody_gets_their_own_answer(companies: list[Any], in_flight: int, photos: int) -> None:
    """Whoever asks in whatever company: each has their own photo's answer, and all bounds are kept."""

    async def play() -> None:
        engine = Engine(held=False)
        requests = Requests(engine, in_flight=in_flight, photos=photos, metrics=Metrics())
        answers = await asyncio.gather(
            *(requests.ask(photo(number), enough, company) for number, company in enumerate(companies))
        )
        assert [float(said.stage1[0, 0]) for said in answers] == list(range(len(companies)))
        assert engine.most <= in_flight
        assert [number for request in engine.requests for number in request] == list(range(len(companies)))
        for request in engine.requests:
            assert len(request) <= photos
            assert len(request) == 1 or {companies[number] for number in request} == {"shared"}

    asyncio.run(play())


def test_a_photo_that_must_be_alone() -> None:
    """It waits until nothing is under way, and nobody overtakes it or goes beside it."""

    async def scene(engine: Engine, requests: Requests) -> None:
        first = asyncio.create_task(requests.ask(photo(1), enough))
        await settled()
        alone = asyncio.create_task(requests.ask(photo(2), enough, "alone"))
        after = asyncio.create_task(requests.ask(photo(3), enough))
        await settled()
        assert engine.requests == [[1]]
        engine.let(1)
        await first
        await settled()
        assert engine.requests == [[1], [2]]
        engine.let()
        await asyncio.gather(alone, after)

    assert run(scene).requests == [[1], [2], [3]]


def test_a_failure_is_told_to_each_member() -> None:
    """Everybody in the request hears of it, each by an exception of their own; the next request is served."""

    async def scene(engine: Engine, requests: Requests) -> None:
        engine.failure = EngineFault("cannot digest it")
        engine.let()
        first = asyncio.create_task(requests.ask(photo(0), enough))
        told = await asyncio.gather(
            first, *(requests.ask(photo(number), enough) for number in (1, 2)), return_exceptions=True
        )
        assert [str(each) for each in told] == ["cannot digest it"] * 3
        assert len({id(each) for each in told}) == 3
        engine.failure = None
        assert (await requests.ask(photo(3), enough)).stage1[0, 0] == 3

    run(scene, in_flight=1)


def test_each_has_its_own_time() -> None:
    """One member's time ends and it alone hears so; one that had none left when its turn came is rejected."""

    async def scene(engine: Engine, requests: Requests) -> None:
        def over() -> float:
            raise Reject("deadline", "too late")

        asked = [
            asyncio.create_task(requests.ask(photo(number), seconds))
            for number, seconds in enumerate((enough, lambda: 0.01, enough, over))
        ]
        await settled()
        engine.let(1)
        with pytest.raises(EngineTimeout):
            await asked[1]
        engine.let()
        assert [float((await asked[number]).stage1[0, 0]) for number in (0, 2)] == [0, 2]
        with pytest.raises(Reject, match="too late"):
            await asked[3]

    assert run(scene, in_flight=1, photos=8).requests == [[0], [1, 2]]


def test_who_has_gone_is_not_sent() -> None:
    """A photo whose task was cancelled while it waited is in no request."""

    async def scene(engine: Engine, requests: Requests) -> None:
        asked = [asyncio.create_task(requests.ask(photo(number), enough)) for number in range(3)]
        await settled()
        asked[1].cancel()
        await settled()
        engine.let()
        await asyncio.gather(asked[0], asked[2])

    assert run(scene, in_flight=1).requests == [[0], [2]]


def test_closing_leaves_nobody_waiting() -> None:
    """Who waits for a request that is cancelled is cancelled too."""

    async def scene(_engine: Engine, requests: Requests) -> None:
        asked = asyncio.create_task(requests.ask(photo(0), enough))
        await settled()
        await requests.close()
        with pytest.raises(asyncio.CancelledError):
            await asked

    run(scene)
