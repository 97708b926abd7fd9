"""The consumer's edge: records it stumbles over, what it hears outside of calls, how it leaves."""

from __future__ import annotations

from contextlib import closing
from typing import cast

import pytest
from confluent_kafka import KafkaException, Message
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from local.kafka import Kafka
from tests.end_to_end.harness import wait_until
from tests.worker.edges.members import PATIENCE, Member, fresh, make_topic
from worker.edges import broker
from worker.edges.consumer import _headers
from worker.edges.kafka_errors import ClientDead
from worker.errors import Retry
from worker.settings import KafkaSettings


class Unreadable:
    """A message whose header name is not UTF-8, as confluent-kafka 2.16 answers it."""

    def headers(self) -> None:
        """Raise what the C code raises."""
        raise SystemError("returned a result with an exception set")


def test_headers_that_cannot_be_read_are_none() -> None:
    """Not an error that stops the partition for ever: intake makes a rejection of it."""
    assert _headers(cast("Message", Unreadable())) is None


def test_an_assignment_that_comes_while_leaving_asks_the_broker_nothing(kafka: Kafka) -> None:
    """A member that never polled is closed: its partitions are not taken up (that would wait for 35 s)."""
    topic = make_topic(kafka.bootstrap, partitions=2)
    settings = KafkaSettings(bootstrap=kafka.bootstrap, photos_topic=topic, group=fresh("g"))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})

    def assigned() -> bool:
        try:
            found = admin.describe_consumer_groups([settings.group])[settings.group].result(PATIENCE)
        except KafkaException:  # the group's coordinator is only just being chosen
            return False
        return any(each.assignment.topic_partitions for each in found.members)

    member = Member(settings, "quick")
    with closing(member.source):
        wait_until(assigned, PATIENCE, "an assignment that nobody has taken up")
    assert member.given == []


WRONG = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512", "username": "somebody"}


def test_a_broker_that_turns_the_client_away_is_told_and_waited_for(kafka: Kafka) -> None:
    """Only the error callback says it, and a handshake that is cut short looks the same: nothing ends."""
    settings = KafkaSettings(
        bootstrap=kafka.bootstrap,
        password=SecretStr("wrong"),
        **WRONG,  # type: ignore[arg-type] # by name
    )
    member = Member(settings, "nobody")
    with (
        closing(member.source),
        pytest.raises(Retry, match="does not let this client in") as turned_away,
    ):
        wait_until(member.poll, PATIENCE, "what never comes")
    assert not isinstance(turned_away.value, ClientDead)


def test_wrong_credentials_are_named_at_the_start(kafka: Kafka) -> None:
    """The question for the topics only says that nobody answered; the worker says what to mend."""
    settings = KafkaSettings(
        bootstrap=kafka.bootstrap,
        password=SecretStr("wrong"),
        **WRONG,  # type: ignore[arg-type] # by name
    )
    with pytest.raises(Retry, match="PANGAEA_KAFKA__PASSWORD"):
        broker.check(settings)
