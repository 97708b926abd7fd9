"""When is there room for more, and when is not taking any no longer enough? Pure state."""

from __future__ import annotations

from worker.settings import LimitSettings

BLOCKED_SECONDS = 1.0
"""After so long without room, fetching is paused; sooner, not taking is enough and far cheaper.

Pausing throws away what was fetched ahead: in the loop it ran at 8 records a second against 197 without.
"""


class Backpressure:
    """The bounds by count and bytes, and since when they have been reached.

    >>> pressure = Backpressure(LimitSettings(in_flight=2))
    >>> pressure.room(count=1, size=0), pressure.room(count=2, size=0)
    (True, False)
    >>> pressure.blocked(now=10.0), pressure.blocked(now=11.0), pressure.blocked(now=12.0)
    (False, True, False)
    >>> pressure.freed(), pressure.freed()
    (True, False)
    """

    def __init__(self, limit: LimitSettings) -> None:
        self._limit = limit
        self._since: float | None = None
        self.paused = False

    def room(self, *, count: int, size: int) -> bool:
        """Whether one more photo may be taken beside `count` photos of `size` bytes."""
        return count < self._limit.in_flight and size < self._limit.in_flight_bytes

    def blocked(self, now: float) -> bool:
        """There is no room at `now` (monotonic seconds); True once, when it is time to pause."""
        if self._since is None:
            self._since = now
        if self.paused or now - self._since < BLOCKED_SECONDS:
            return False
        self.paused = True
        return True

    def freed(self) -> bool:
        """There is room; True when that ends a pause."""
        self._since = None
        ended, self.paused = self.paused, False
        return ended
