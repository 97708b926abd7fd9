"""What the consumer makes of records that the client library stumbles over."""

from __future__ import annotations

from typing import cast

from confluent_kafka import Message

from worker.edges.consumer import _headers


class Unreadable:
    """A message whose header name is not UTF-8, as confluent-kafka 2.16 answers it."""

    def headers(self) -> None:
        """Raise what the C code raises."""
        raise SystemError("returned a result with an exception set")


def test_headers_that_cannot_be_read_are_none() -> None:
    """Not an error that stops the partition for ever: intake makes a rejection of it."""
    assert _headers(cast("Message", Unreadable())) is None
