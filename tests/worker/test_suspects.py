"""Suspects in front of an engine that answers a known photo, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from worker.edges.triton import EngineAway, EngineFault, EngineTimeout
from worker.suspects import Suspects


class Control:
    """Counts how often the known photo is asked for, and fails as it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None

    async def __call__(self) -> None:
        """Be asked for the known photo."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure


def run(scene: Callable[[Suspects, Control, Callable[[], float]], Awaitable[None]]) -> Control:
    """Play a scene on a clock that rises by one whenever it is read."""
    control, ticks = Control(), count(1.0)
    clock = ticks.__next__

    async def play() -> None:
        await scene(Suspects(control, clock), control, clock)

    asyncio.run(play())
    return control


async def turn(suspects: Suspects, failed: float, failure: Exception | None = None) -> None:
    """One suspect's turn, in which the engine fails on it or does not."""
    async with suspects.turn(failed):
        if failure is not None:
            raise failure


def test_one_answer_serves_all_who_failed_before_it() -> None:
    """A crowd that waits asks for the known photo once; who fails after that asks again."""

    async def scene(suspects: Suspects, control: Control, clock: Callable[[], float]) -> None:
        failed = [clock() for _ in range(20)]
        await asyncio.gather(*(turn(suspects, moment) for moment in failed))
        assert control.asked == 1
        await turn(suspects, clock())

    assert run(scene).asked == 2


def test_turns_do_not_overlap() -> None:
    """One suspect is at the engine at a time."""

    async def scene(suspects: Suspects, _: Control, clock: Callable[[], float]) -> None:
        inside: list[int] = []

        async def one(number: int) -> None:
            async with suspects.turn(clock()):
                inside.append(number)
                await asyncio.sleep(0)
                assert inside == [number]
                inside.remove(number)

        await asyncio.gather(*(one(number) for number in range(5)))

    run(scene)


@pytest.mark.parametrize("failure", [EngineFault("ill"), EngineTimeout("late"), EngineAway("gone")])
def test_an_engine_that_answers_nobody(failure: Exception) -> None:
    """Nobody has a turn; those who came before it was known do not each wait for it to fail again."""

    async def scene(suspects: Suspects, control: Control, clock: Callable[[], float]) -> None:
        control.failure = failure
        ended = await asyncio.gather(*(turn(suspects, clock()) for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in ended} == {EngineAway}
        assert control.asked == 1
        control.failure = None
        await turn(suspects, clock())

    assert run(scene).asked == 2


def test_an_engine_that_a_suspect_keeps_busy() -> None:
    """After a time-out the known photo is asked for anew: the next suspect does not pay for that one."""

    async def scene(suspects: Suspects, control: Control, clock: Callable[[], float]) -> None:
        failed = clock()
        with pytest.raises(EngineFault):
            await turn(suspects, failed, EngineFault("raises"))
        await turn(suspects, failed)
        assert control.asked == 1
        with pytest.raises(EngineTimeout):
            await turn(suspects, failed, EngineTimeout("late"))
        await turn(suspects, failed)

    assert run(scene).asked == 2
