"""librdkafka's errors, turned into the three branches in one place.

Where each rule comes from:
fatal – librdkafka's "Fatal errors" (INTRODUCTION.md, Idempotent Producer): the client is finished, whatever
is called next; ordinary outages can cause it (a fenced epoch after a long stop, INVALID_TXN_STATE after a
broker restart), so the answer is a new client, not an exit.
abortable – `txn_requires_abort()`: the transaction is lost, the client lives.
retriable – `retriable()`: the same call may be made again.
"""

from __future__ import annotations

from typing import Literal

from confluent_kafka import KafkaError, KafkaException

from worker.errors import PangaeaError, Refuse, Retry

Severity = Literal["fatal", "abort", "retry", "unknown"]

# librdkafka's own codes have a leading underscore; they are as public as the others.
NOT_ALLOWED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - see above
    }
)
PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - see above
        KafkaError._TRANSPORT,  # noqa: SLF001 - see above
        KafkaError._RESOLVE,  # noqa: SLF001 - see above
        KafkaError._TIMED_OUT,  # noqa: SLF001 - see above
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001 - see above
        KafkaError._WAIT_COORD,  # noqa: SLF001 - see above
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)


class ClientDead(Retry):
    """This consumer or producer is finished: close both and build new ones, under a new epoch."""


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

    >>> type(mapped(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), doing="joining")).__name__
    'Refuse'
    """
    if error.code() in NOT_ALLOWED:
        return Refuse(
            f"Kafka does not allow {doing}: {error.str()}. Grant the right or mend the credentials."
        )
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return Retry(f"a topic is missing while {doing}: create it with `pangaea topics create`")
    if error.fatal() or error.code() in {
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001 - see above
        KafkaError._FATAL,  # noqa: SLF001 - see above
        KafkaError._FENCED,  # noqa: SLF001 - see above
        KafkaError.FENCED_INSTANCE_ID,
    }:
        return ClientDead(f"Kafka ended this client while {doing}: {error.str()}")
    return Retry(f"Kafka stumbled while {doing}: {error.str()}")
