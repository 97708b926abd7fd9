"""Photos on which the engine has failed, tried again one at a time: is it the photo, or is it the engine?

The control of the experiment is a known photo: one that a well engine answers. A failure is held against a
suspect only after the control was answered, and answered later than the failure. One answer serves everybody
who waits for it, so that a crowd of bad photos costs the engine little more than their own attempts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from worker.edges.triton import EngineAway, EngineFault, EngineTimeout

NEVER = float("-inf")


class Suspects:
    """The queue of suspects in front of one engine; used inside one event loop.

    Args:
        control: asks the engine for the known photo; raises when it does not answer.
        clock: seconds that only rise.
    """

    def __init__(
        self, control: Callable[[], Awaitable[object]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._control = control
        self._clock = clock
        self._turn = asyncio.Lock()
        self._answered = NEVER
        self._silent = NEVER
        self._held_up = NEVER

    @asynccontextmanager
    async def turn(self, failed: float) -> AsyncIterator[None]:
        """Have the turn, with an engine that has answered the known photo since the moment `failed`.

        No other suspect is at the engine meanwhile.

        Raises:
            EngineAway: it does not answer the known photo either, so nothing is known about any suspect.
        """
        came = self._clock()
        async with self._turn:
            if self._silent > came:
                raise EngineAway("the server answered no known photo while this one waited")
            # Who made the engine late may keep it busy still: the next suspect must not pay for that.
            if self._answered <= max(failed, self._held_up):
                await self._ask()
            try:
                yield
            except EngineTimeout:
                self._held_up = self._clock()
                raise

    async def _ask(self) -> None:
        asked = self._clock()
        try:
            await self._control()
        except (EngineFault, EngineTimeout, EngineAway) as failure:
            self._silent = self._clock()
            raise EngineAway("the server does not answer a known photo either") from failure
        self._answered = asked
