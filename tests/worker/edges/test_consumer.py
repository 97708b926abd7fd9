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
from tests.worker.edges.members import PATIENCE, Member, Publishing, fill, fresh, gather, make_topic
from worker.edges import broker
from worker.edges.consumer import _headers
from worker.edges.kafka_errors import ClientDead
from worker.errors import Retry
from worker.record import Partition
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


def offsets(member: Member) -> list[int]:
    """Which records were read, in order."""
    return [each.source.offset for each in member.read]


def test_what_is_read_again_is_what_is_committed(kafka: Kafka) -> None:
    """Not what this process had read, nor what it believes to be committed: the broker's word counts."""
    topic = make_topic(kafka.bootstrap, partitions=1)
    fill(kafka.bootstrap, topic, partitions=1, count=10)
    settings = KafkaSettings(bootstrap=kafka.bootstrap, photos_topic=topic, group=fresh("g"))
    member, home = Member(settings, "reader"), Partition(topic, 0)
    with closing(member.source):
        wait_until(lambda: member.poll() and len(member.read) == 10, PATIENCE, "all to be read")
        publishing = Publishing(settings, fresh("id")).start()
        publishing.publish([], {home: 4}, member.metadata())
        publishing.publisher.close()
        member.read.clear()
        member.source.restart()
        assert member.held[home].offset == 4
        wait_until(lambda: member.poll() and len(member.read) == 6, PATIENCE, "the rest to be read again")
    assert offsets(member) == list(range(4, 10))


def test_latest_is_decided_once(kafka: Kafka) -> None:
    """Photos that come between the first assignment and the first commit are not skipped by a second look."""
    topic = make_topic(kafka.bootstrap, partitions=1)
    fill(kafka.bootstrap, topic, partitions=1, count=3)
    settings = KafkaSettings(bootstrap=kafka.bootstrap, photos_topic=topic, group=fresh("g"), start="latest")
    member, home = Member(settings, "reader"), Partition(topic, 0)
    with closing(member.source):
        gather([member], 1)
        assert member.held[home].offset == 3
        fill(kafka.bootstrap, topic, partitions=1, count=2)
        member.source.restart()
        assert member.held[home].offset == 3
        wait_until(lambda: member.poll() and len(member.read) == 2, PATIENCE, "what came meanwhile")
    assert offsets(member) == [3, 4]


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
