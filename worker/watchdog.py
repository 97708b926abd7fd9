"""When have Kafka's clients lost their way? Pure state; the moments are monotonic seconds.

Two things never come back by themselves. A transaction's end has no time limit of its own (see
`edges.producer`), and librdkafka can lose the call for good: after a restart of the group's coordinator it
may wait for a broker that it has itself struck off (librdkafka issue 5511). The broker has timed the
transaction out by then, and a new producer fences what is left of it. And when every broker has moved, only a
new client asks the bootstrap addresses again.
"""

from __future__ import annotations

MARGIN_SECONDS = 2.0
"""How much longer than a transaction may live its end is waited for, counted while a broker is up."""

AWAY_SECONDS = 15.0
"""How long no broker may answer. By then the group has missed this member: nothing is given up."""


REGISTER_SECONDS = 60.0
"""How long a broker that is up may take to register a name; a coordinator that moves takes seconds."""


class Watchdog:
    """Since when a broker is there, or is not.

    >>> watchdog = Watchdog(transaction_seconds=5.0)
    >>> watchdog.connected(up=True, now=100.0)
    >>> watchdog.stuck(107.0, since=99.0), watchdog.stuck(107.1, since=99.0)
    (False, True)
    >>> watchdog.connected(up=False, now=108.0)
    >>> watchdog.away(123.0), watchdog.away(123.1)
    (False, True)
    >>> watchdog.unheard(168.1, since=99.0)
    False
    """

    def __init__(self, *, transaction_seconds: float) -> None:
        self._allowed = transaction_seconds + MARGIN_SECONDS
        self._changed = float("-inf")
        self.up: bool | None = None

    def connected(self, *, up: bool, now: float) -> None:
        """Note at `now` whether any broker is there; only a change counts."""
        if up is not self.up:
            self.up, self._changed = up, now

    def away(self, now: float) -> bool:
        """Whether no broker has answered for so long that they may have moved: both clients are to be new."""
        return self.up is False and now - self._changed > AWAY_SECONDS

    def stuck(self, now: float, *, since: float | None) -> bool:
        """Whether the transaction that was handed over at `since` will not end: the producer is to be new."""
        return self.up is True and since is not None and now - max(since, self._changed) > self._allowed

    def unheard(self, now: float, *, since: float | None) -> bool:
        """Whether a producer that registers since then will not: it is to be another."""
        return self.up is True and since is not None and now - max(since, self._changed) > REGISTER_SECONDS
