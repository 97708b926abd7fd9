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


class Watchdog:
    """Since when a broker is there, or is not.

    >>> watchdog = Watchdog(transaction_seconds=5.0)
    >>> watchdog.connected(up=True, now=100.0)
    >>> watchdog.trouble(107.0, busy_since=99.0), watchdog.trouble(107.1, busy_since=99.0)
    (None, 'a transaction did not end within 7 s of a broker that is up')
    >>> watchdog.connected(up=False, now=108.0)
    >>> watchdog.trouble(123.0, busy_since=None), watchdog.trouble(123.1, busy_since=None)
    (None, 'no broker has answered for 15 s')
    """

    def __init__(self, *, transaction_seconds: float) -> None:
        self._allowed = transaction_seconds + MARGIN_SECONDS
        self._up: bool | None = None
        self._since = 0.0

    def connected(self, *, up: bool, now: float) -> None:
        """Note at `now` whether any broker is there; only a change counts."""
        if up is not self._up:
            self._up, self._since = up, now

    def trouble(self, now: float, *, busy_since: float | None) -> str | None:
        """Return why new clients are needed at `now`, or None.

        `busy_since`: when the transaction under way was handed over, None if there is none.
        """
        if self._up is None:
            return None
        if not self._up:
            away = now - self._since > AWAY_SECONDS
            return f"no broker has answered for {AWAY_SECONDS:.0f} s" if away else None
        if busy_since is None or now - max(busy_since, self._since) <= self._allowed:
            return None
        return f"a transaction did not end within {self._allowed:.0f} s of a broker that is up"
