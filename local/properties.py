"""What Kafka is told: one node that is broker and controller (KRaft), on loopback only."""

from __future__ import annotations

from pathlib import Path

from local.ports import LOOPBACK
from worker.topics import MAX_RECORD_BYTES

NODE = 1


def properties(*, data: Path, clients: int, internal: int, controller: int, advertise: str) -> dict[str, str]:
    """Kafka's properties.

    The broker talks to itself (transaction markers, coordinators) over its own `INTERNAL` listener, so that
    `advertise` may name a proxy that breaks the clients' connections without breaking the broker's.

    Args:
        data: the folder of the log.
        clients: port for clients.
        internal: port for the broker's own requests, and for the stack's.
        controller: port for the controller.
        advertise: host:port that clients are told to connect to.
    """
    once = dict.fromkeys(
        (
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "transaction.state.log.min.isr",
            "share.coordinator.state.topic.replication.factor",
            "share.coordinator.state.topic.min.isr",
            "default.replication.factor",
            "min.insync.replicas",
        ),
        "1",
    )
    # Fifty partitions each, the default, cost a laptop a second at the first transaction and buy it nothing.
    few = dict.fromkeys(("offsets.topic.num.partitions", "transaction.state.log.num.partitions"), "8")
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE),
        "controller.quorum.voters": f"{NODE}@{LOOPBACK}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INTERNAL",
        "listeners": f"CLIENTS://{LOOPBACK}:{clients},INTERNAL://{LOOPBACK}:{internal},"
        f"CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"CLIENTS://{advertise},INTERNAL://{LOOPBACK}:{internal}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        **once,
        **few,
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(MAX_RECORD_BYTES),
        "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
        # A group forms at once instead of waiting 3 s for more members.
        "group.initial.rebalance.delay.ms": "0",
        # A killed member is missed after 6 s under either group protocol (45 s by default under KIP-848).
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.heartbeat.interval.ms": "1000",
        "group.consumer.min.heartbeat.interval.ms": "1000",
        # A killed broker may register again after 4 s instead of 9 s.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        # The successor of a killed worker starts after 5.3 s instead of 20.8 s.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
        # Retention of hours must not wait for a segment of a gibibyte; also keeps small disks small.
        "log.segment.bytes": str(128 * 1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def render(values: dict[str, str]) -> str:
    r"""Write the text of a properties file.

    >>> render({"log.dirs": "C:\\kafka"})
    'log.dirs=C:\\\\kafka\n'
    """
    escaped = {name: value.replace("\\", "\\\\") for name, value in values.items()}
    return "".join(f"{name}={value}\n" for name, value in escaped.items())
