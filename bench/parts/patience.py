"""Waiting for a broker that may have died: not for ever."""

from __future__ import annotations

import time

from worker.errors import Refuse

PATIENCE_SECONDS = 20.0


class Patience:
    """Is told of each look whether something came; loses itself when nothing has for so long."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def seen(self, came: object) -> bool:
        """Return whether it came.

        Raises:
            Refuse: nothing has for too long.
        """
        now = time.monotonic()
        if came:
            self._last = now
        elif now - self._last > self._seconds:
            raise Refuse(f"the broker has given nothing for {self._seconds:.0f} s: see its log.")
        return bool(came)
