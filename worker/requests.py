"""From photos that wait for the engine to the requests in which they go: who waits together goes together.

Nobody is waited for: a photo goes at once while the engine has room, and alone if no other is there. Only
under load, when all slots are taken, do photos gather, and then one request carries several. That costs a
fraction of as many requests, in the worker and in the server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from worker.edges.metrics import Metrics
from worker.edges.triton import EngineTimeout
from worker.errors import Reject, Retry
from worker.record import Answer, Prepared


class Inference(Protocol):
    """What is needed of an engine."""

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Return each photo's answer within so many seconds."""


Company = Literal["shared", "own", "alone"]
"""May others be in the request; if not: may other requests of this worker be at the engine meanwhile?"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """A photo that waits. `seconds` says at the last moment how long its answer is waited for, or rejects."""

    photo: Prepared
    seconds: Callable[[], float]
    company: Company
    answer: asyncio.Future[Answer]


class Requests:
    """First come, first served; used inside one event loop.

    Args:
        engine: answers requests of up to `photos` photos.
        in_flight: the most requests at the engine at once.
        photos: the most photos in a request.
    """

    def __init__(self, engine: Inference, *, in_flight: int, photos: int, metrics: Metrics) -> None:
        self._engine = engine
        self._slots = self._free = in_flight
        self._photos = photos
        self._metrics = metrics
        self._waiting: deque[Waiting] = deque()
        self._sent: set[asyncio.Task[None]] = set()

    async def ask(self, photo: Prepared, seconds: Callable[[], float], company: Company = "shared") -> Answer:
        """Return the engine's answer for a photo.

        Args:
            photo: its pixels and evidence.
            seconds: called when the request is about to go; what it returns is the photo's own time limit.
            company: who may be in the request, or at the engine, with it.

        Raises:
            Reject: whatever `seconds` raised.
            Retry: whatever the engine raised for the request; EngineTimeout: the photo's own time is over.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(photo=photo, seconds=seconds, company=company, answer=answer))
        self._send_waiting()
        return await answer

    async def close(self) -> None:
        """Cancel what is under way."""
        for task in tuple(self._sent):
            task.cancel()
        await asyncio.gather(*self._sent, return_exceptions=True)

    def _send_waiting(self) -> None:
        while (request := self._next()) is not None:
            slots = self._slots if request[0].company == "alone" else 1
            self._free -= slots
            task = asyncio.get_running_loop().create_task(self._send(request))
            self._sent.add(task)
            task.add_done_callback(partial(self._came_back, slots))

    def _came_back(self, slots: int, task: asyncio.Task[None]) -> None:
        self._sent.discard(task)
        self._free += slots
        self._send_waiting()

    def _next(self) -> list[Waiting] | None:
        """Take the next request's photos off the queue, if there is room for it."""
        while self._waiting and self._waiting[0].answer.done():
            # Its partition is somebody else's by now.
            self._waiting.popleft()
        if not self._waiting or self._free < (self._slots if self._waiting[0].company == "alone" else 1):
            return None
        request = [self._waiting.popleft()]
        if request[0].company == "shared":
            while len(request) < self._photos and self._waiting and self._waiting[0].company == "shared":
                request.append(self._waiting.popleft())
        return request

    async def _send(self, request: list[Waiting]) -> None:
        members = _in_time(request)
        try:
            if members:
                await self._answer(members)
        except Retry as failure:
            for each, _ in members:
                # One each: a traceback grows with every task that an exception is raised in.
                _fail(each, type(failure)(*failure.args))
        except Exception as surprise:  # noqa: BLE001 - nobody may wait for ever for what went wrong here
            for each, _ in members:
                _fail(each, surprise)
        finally:
            for each in request:
                # Cancelled: what was under way when the engine was let go of.
                each.answer.cancel()

    async def _answer(self, members: list[tuple[Waiting, float]]) -> None:
        longest = max(seconds for _, seconds in members)
        loop = asyncio.get_running_loop()
        timers = [
            loop.call_later(seconds, _fail, each, EngineTimeout("the photo's own time is over"))
            for each, seconds in members
            if seconds < longest
        ]
        self._metrics.request_photos.observe(len(members))
        try:
            with self._metrics.engine_in_flight.track_inprogress():
                answers = await self._engine.infer([each.photo for each, _ in members], longest)
        finally:
            for timer in timers:
                timer.cancel()
        for (each, _), answer in zip(members, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(answer)


def _in_time(request: Sequence[Waiting]) -> list[tuple[Waiting, float]]:
    """Return those who still wait and have time left, with it; who has none hears why."""
    members = []
    for each in request:
        if each.answer.done():
            continue
        try:
            members.append((each, each.seconds()))
        except Reject as reject:
            each.answer.set_exception(reject)
    return members


def _fail(each: Waiting, failure: Exception) -> None:
    if not each.answer.done():
        each.answer.set_exception(failure)
