"""Signals as an exception, so that a `with` block cleans up whatever ends the process politely."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signalled(BaseException):
    """The process was asked to end; not an Exception, so that nothing on the way takes it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells have it."""
        return 128 + self.number


@contextmanager
def raised() -> Iterator[None]:
    """Raise Signalled at the first of SIGINT, SIGTERM and SIGHUP; later ones do not disturb the clean-up."""

    def handle(number: int, _frame: FrameType | None) -> None:
        for name in CAUGHT:
            signal.signal(name, signal.SIG_IGN)
        raise Signalled(number)

    # `nohup` ignores SIGHUP on our behalf: it shall stay so.
    heard = [name for name in CAUGHT if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN]
    before = {name: signal.signal(name, handle) for name in heard}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
