"""librdkafka's errors, turned into the three branches in one place.

Two rules. Calls on the consumer, and those that open the producer, are judged by their code (`mapped`, by the
sets of `kafka_codes`). Calls inside a transaction are judged by the flags that librdkafka sets for them
(`severity`), in the order of its INTRODUCTION.md, "Transactional Producer: Error handling":

fatal – the client is finished, whatever is called next; ordinary outages can cause it (a fenced epoch after a
long stop, INVALID_TXN_STATE after a broker restart), so the answer is a new client, not an exit.
abortable – `txn_requires_abort()`: the transaction is lost, the client lives. So is a record that was not
delivered: librdkafka then refuses the commit.
retriable – `retriable()`: the same call may be made again.
none of them – "treat as a fatal error".

confluent-kafka has a word of its own for a client that is closed, a RuntimeError: `calling` makes it a
ClientDead. Its other own errors (TypeError, ValueError, SystemError: a value that it cannot pass on) are
mistakes of ours and stay what they are, but for those that a record can cause (`consumer`, `_headers`) and
those on the committing thread, which nobody would see (`producer`, `_serve`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from confluent_kafka import KafkaError, KafkaException

from worker.edges.kafka_codes import ABSENT, NOT_ALLOWED, REFUSED, RETRIED, UNWELCOME
from worker.errors import PangaeaError, Refuse, Retry

Severity = Literal["fatal", "abort", "retry", "unknown"]


class ClientDead(Retry):
    """This consumer or producer is finished: close both and build new ones, under a new epoch."""


@contextmanager
def calling(doing: str) -> Iterator[None]:
    """Make calls on a consumer or an opening producer; what they raise comes out as its branch.

    Raises:
        Refuse, ClientDead or Retry: by the error's code.
    """
    try:
        yield
    except KafkaException as exc:
        raise mapped(error_of(exc), doing=doing) from exc
    except RuntimeError as exc:
        if "closed" not in str(exc):
            raise
        raise ClientDead(f"Kafka's client was closed while {doing}") from exc


def error_of(exc: KafkaException) -> KafkaError:
    """Return the KafkaError inside the exception that confluent-kafka raises."""
    error = exc.args[0] if exc.args else None
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError._FAIL, str(exc))  # noqa: SLF001 - its own generic code


def severity(error: KafkaError) -> Severity:
    """Say what a transactional call's error asks for, the gravest reading first.

    >>> severity(KafkaError(KafkaError.INVALID_TXN_STATE, "after a restart", fatal=True))
    'fatal'
    >>> severity(KafkaError(KafkaError.UNKNOWN_MEMBER_ID, "gone", txn_requires_abort=True))
    'abort'
    """
    if error.fatal():
        return "fatal"
    if error.txn_requires_abort():
        return "abort"
    if error.retriable():
        return "retry"
    return "unknown"


def mapped(error: KafkaError, *, doing: str) -> PangaeaError:
    """Return the branch for an error met outside of transactions: while reading, joining or starting.

    What can never get better comes first: also an error that has finished its client may name a missing
    right, and new clients would only meet it again.

    >>> type(mapped(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), doing="joining")).__name__
    'Refuse'
    >>> type(mapped(KafkaError(KafkaError.NOT_COORDINATOR), doing="joining")).__name__
    'Retry'
    """
    code, said = _cause(error), error.str().rstrip(".")
    if code in NOT_ALLOWED:
        return Refuse(f"Kafka does not allow {doing}: {said}. Grant the right or mend the credentials.")
    if code in REFUSED:
        return Refuse(
            f"Kafka will never accept this while {doing}: {said}. Check the settings that begin with"
            " PANGAEA_KAFKA__, and see the topics with `pangaea topics check`."
        )
    if error.fatal() or not (error.retriable() or code in RETRIED):
        return ClientDead(f"Kafka ended this client while {doing}: {said}")
    if code in ABSENT:
        return Retry(f"a topic is missing while {doing}: create it with `pangaea topics create`")
    if code in UNWELCOME:
        return Retry(f"the Kafka broker does not let this client in while {doing}: {said}")
    return Retry(f"Kafka stumbled while {doing}: {said}")


def _cause(error: KafkaError) -> int:
    """The code behind the error: a consumer's fatal one hides it in its text.

    That text is "Fatal error: <the cause in librdkafka's words>: …" (rdkafka.c, rd_kafka_set_fatal_error0);
    the call that would tell the code, rd_kafka_fatal_error(), is not passed on by confluent-kafka.
    """
    if error.code() != KafkaError._FATAL:  # noqa: SLF001 - librdkafka's own code
        return error.code()
    said = error.str()
    causes = (code for code in REFUSED if said.startswith(f"Fatal error: {KafkaError(code).str()}:"))
    return next(causes, error.code())
