"""Where a partition is read from, asked of a real broker."""

from __future__ import annotations

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from local.kafka import Kafka
from worker.edges.starts import Starts
from worker.record import Partition
from worker.settings import KafkaSettings

HOME = Partition("eaten", 0)


class Watcher:
    """Notes what is lost."""

    def __init__(self) -> None:
        self.lost: list[int] = []

    def waiting(self) -> None:
        """The broker is slow."""

    def lost_to_retention(self, count: int) -> None:
        """So many."""
        self.lost.append(count)


def test_what_retention_ate_is_counted_once(kafka: Kafka) -> None:
    """Asked again before the new start is committed, nothing is lost twice; what is eaten next is."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(HOME.topic, 1)])[HOME.topic].result(60)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for _ in range(12):
        producer.produce(HOME.topic, b"photo", partition=0)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": HOME.topic})
    consumer.commit(offsets=[TopicPartition(*HOME, 1)], asynchronous=False)
    watcher = Watcher()
    starts = Starts(KafkaSettings(bootstrap=kafka.bootstrap, accept_loss=True), watcher, {})
    for low in (7, 7, 9):
        eaten = TopicPartition(*HOME, low)
        admin.delete_records([eaten])[eaten].result(60)
        assert starts.of(consumer, [HOME])[HOME].offset == low
    consumer.close()
    assert watcher.lost == [6, 2]
