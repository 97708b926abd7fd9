"""Every error code has one branch, and each that differs from Kafka's own word has a reason."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from worker.edges import kafka_codes as codes
from worker.edges.kafka_errors import ClientDead, mapped
from worker.errors import Refuse, Retry

GROUPS = {
    "NOT_ALLOWED": codes.NOT_ALLOWED,
    "UNFIT": codes.UNFIT,
    "FINISHED": codes.FINISHED,
    "UNREADABLE": codes.UNREADABLE,
    "UNEXPECTED": codes.UNEXPECTED,
    "PASSING": codes.PASSING,
    "UNWELCOME": codes.UNWELCOME,
}

NAMES = {
    name: value
    for name, value in vars(KafkaError).items()
    if name.isupper() and isinstance(value, int) and not isinstance(value, bool)
}
"""Every code that the installed confluent-kafka knows, by name."""

RETRIABLE = frozenset(
    {2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100}
    | {103, 106, 122, 123, 133}
)
LAST = 133
"""The codes whose exception is a RetriableException in Kafka 4.2.1's clients, and the highest code there is.

Read from the jar of the embedded stack by a Java file of this one loop, run with `java -cp "JARS/*" FILE`:
for (var each : org.apache.kafka.common.protocol.Errors.values())
    if (each.exception() instanceof org.apache.kafka.common.errors.RetriableException)
        System.out.println(each.code());
"""

OTHERWISE = {
    "INVALID_MSG": "retriable is meant for the sender; a consumer that reads on may step over a photo",
    "BROKER_NOT_AVAILABLE": "librdkafka asks for metadata and tries again (rd_kafka_err_action)",
    "UNKNOWN": "the broker stumbled: Kafka's consumer logs it and fetches on (FetchCollector)",
    "REBALANCE_IN_PROGRESS": "the consumer joins again by itself (rdkafka_cgrp.c)",
    "ILLEGAL_GENERATION": "the consumer joins again by itself (rdkafka_cgrp.c)",
    "UNKNOWN_MEMBER_ID": "the consumer joins again by itself (rdkafka_cgrp.c)",
    "MEMBER_ID_REQUIRED": "the first step of joining (KIP-394)",
    "FENCED_MEMBER_EPOCH": "the consumer joins again by itself (KIP-848)",
    "STALE_MEMBER_EPOCH": "the next heartbeat brings the epoch (KIP-848)",
    "REBOOTSTRAP_REQUIRED": "the client looks for the brokers anew by itself (KIP-1102)",
}
"""Where our branch is not Kafka's flag, and why."""


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_code_has_one_branch(name: str) -> None:
    """A code that confluent-kafka brings anew goes red here until somebody has decided about it."""
    assert len([group for group, members in GROUPS.items() if NAMES[name] in members]) == 1


def test_the_sets_hold_only_codes_that_there_are() -> None:
    """Nothing is classified that the client does not know."""
    assert frozenset().union(*GROUPS.values()) == set(NAMES.values())


def test_kafka_agrees_or_there_is_a_reason() -> None:
    """What Kafka calls retriable is retried and nothing else is, but for the codes that say why."""
    protocol = {name: code for name, code in NAMES.items() if code == -1 or code > 0}
    assert max(protocol.values()) <= LAST
    differing = {name for name, code in protocol.items() if (code in RETRIABLE) != (code in codes.RETRIED)}
    assert differing == set(OTHERWISE)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_branch_is_that_of_the_set(name: str) -> None:
    """`mapped` follows the table for each code."""
    branch = type(mapped(KafkaError(NAMES[name]), doing="testing"))
    refused, retried = NAMES[name] in codes.REFUSED, NAMES[name] in codes.RETRIED
    assert branch is (Refuse if refused else Retry if retried else ClientDead)


def test_a_code_of_tomorrow_asks_for_new_clients() -> None:
    """A broker newer than the client: bounded (new clients, then exit 1), never retried for ever."""
    assert isinstance(mapped(KafkaError(9_999), doing="testing"), ClientDead)


def test_flags_outrank_the_table_except_for_what_never_gets_better() -> None:
    """Fatal is a new client also for a passing code; a missing right is refused also when it is fatal."""
    passing, forbidden = KafkaError.NOT_COORDINATOR, KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    assert isinstance(mapped(KafkaError(passing, "", fatal=True), doing="testing"), ClientDead)
    assert isinstance(mapped(KafkaError(forbidden, "", fatal=True), doing="testing"), Refuse)
    conflict = KafkaError(KafkaError._CONFLICT, "still opening", retriable=True)
    assert type(mapped(conflict, doing="testing")) is Retry


def test_the_cause_of_a_fatal_consumer_error_is_found_in_its_words() -> None:
    """As a KIP-848 member hears it from a broker without KIP-848 (seen on Kafka 4.2.1)."""
    why = "Broker: API version not supported"
    said = f"Fatal error: {why}: ConsumerGroupHeartbeat fatal error: {why}"
    assert isinstance(mapped(KafkaError(KafkaError._FATAL, said), doing="testing"), Refuse)
    fenced = "Broker: Static consumer fenced by other consumer with same group.instance.id"
    said = f"Fatal error: {fenced}: Fatal consumer error: {fenced}"
    assert isinstance(mapped(KafkaError(KafkaError._FATAL, said), doing="testing"), ClientDead)
