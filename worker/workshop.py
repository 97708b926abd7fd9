"""The event loop in which photos are worked on concurrently, beside the thread that polls Kafka."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from worker.ordering import Ticket
from worker.record import Outcome, Partition

Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, Outcome]]
Deliver = Callable[[Ticket, Outcome], None]


class Workshop:
    """Runs one task a photo and hands each outcome back under its ticket."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[Ticket, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="workshop", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Result], seconds: float | None = None) -> Result:
        """Run one coroutine to its end and return what it returns; raises what it raises."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def background(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run one coroutine beside everything else, until it ends or is cancelled."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def start(self, ticket: Ticket, work: Work, deliver: Deliver) -> None:
        """Begin with a photo and return at once.

        `deliver` is called once, on the loop's thread, unless the photo's partition is cleared before.
        """
        self._loop.call_soon_threadsafe(self._begin, ticket, work, deliver)

    def clear(self, partition: Partition) -> None:
        """Stop working on all photos of a partition that is not ours any more; their outcomes are void."""
        self._loop.call_soon_threadsafe(self._cancel, partition)

    def close(self) -> None:
        """Cancel what is left and end the loop."""
        self.call(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(self, ticket: Ticket, work: Work, deliver: Deliver) -> None:
        task = self._loop.create_task(self._run(ticket, work, deliver))
        self._tasks[ticket] = task
        # Not a finally in _run: a task that is cancelled before its first step never enters it.
        task.add_done_callback(lambda _: self._tasks.pop(ticket, None))

    @staticmethod
    async def _run(ticket: Ticket, work: Work, deliver: Deliver) -> None:
        deliver(ticket, await work())

    def _cancel(self, partition: Partition) -> None:
        for ticket, task in self._tasks.items():
            if ticket.source.home == partition:
                task.cancel()

    async def _finish(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
