"""Whose fault is a request that timed out: the photo's, or the server's? Pure state.

A photo may be tried so many times and no more, else one that the engine cannot digest would hold its
partition for ever. But while the server answers nobody, nothing is learned about any photo, and none may be
thrown away. So a time-out counts against its photo unless the server is silent towards all: another photo
timed out too, and none was answered since this one was first tried.
"""

from __future__ import annotations

from worker.record import Source


class Attempts:
    """What is known of the photos that are being tried; holds one moment for each that timed out.

    >>> attempts, slow, other = Attempts(), Source("photos", 0, 1), Source("photos", 0, 2)
    >>> attempts.timed_out(slow, now=2.0)
    >>> attempts.counts(slow, first_tried=0.0)
    True
    >>> attempts.timed_out(other, now=2.1)
    >>> attempts.counts(slow, first_tried=0.0)
    False
    >>> attempts.answered(now=2.5)
    >>> attempts.counts(slow, first_tried=0.0)
    True
    """

    def __init__(self) -> None:
        self._last_answer = float("-inf")
        self._timed_out: dict[Source, float] = {}

    def answered(self, now: float) -> None:
        """Some photo was answered."""
        self._last_answer = max(self._last_answer, now)

    def timed_out(self, source: Source, now: float) -> None:
        """This photo's request timed out."""
        self._timed_out[source] = now

    def settled(self, source: Source) -> None:
        """This photo is done with, one way or another."""
        self._timed_out.pop(source, None)

    def counts(self, source: Source, *, first_tried: float) -> bool:
        """Whether a time-out of this photo is held against it."""
        if self._last_answer >= first_tried:
            return True
        return not any(moment >= first_tried for other, moment in self._timed_out.items() if other != source)
