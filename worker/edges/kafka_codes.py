"""Every error code of Kafka and of librdkafka, by what the worker does about it outside of transactions.

What a call of ours can bring was read from the client's own source (librdkafka 2.15: the callers of
`rd_kafka_consumer_err` and `rd_kafka_set_fatal_error`); where the protocol's codes belong is checked against
Kafka's own list of what is retriable (`tests/worker/edges/test_kafka_codes.py`, which knows each difference
and why). Codes with a leading underscore are librdkafka's own; they are as public as the others.

A code that is in none of the sets – a broker may be newer than this client – asks for new clients, as
`UNEXPECTED` does: that heals what can be healed, and after five in a minute the process ends with its name.
"""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaError


def _codes(names: str) -> frozenset[int]:
    return frozenset(getattr(KafkaError, name) for name in names.split())


# --- Refuse: it would never get better ----------------------------------------------------------------

# Kafka: AuthorizationException and AuthenticationException, "not retriable" (KIP-152 for SASL). librdkafka
# goes on joining or fetching after them, and would for ever.
NOT_ALLOWED: Final = _codes(
    """
    TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED DELEGATION_TOKEN_AUTHORIZATION_FAILED
    SASL_AUTHENTICATION_FAILED UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE SECURITY_DISABLED
    UNACCEPTABLE_CREDENTIAL INVALID_PRINCIPAL_TYPE PRINCIPAL_DESERIALIZATION_FAILURE
    DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_EXPIRED
    """
)

# Settings of ours or of the broker that do not go together. Group: KIP-848's table of heartbeat errors and
# rdkafka_cgrp.c, which ends the client or joins in vain. Records: Kafka's InvalidConfigurationException and
# what a topic's own settings refuse (size, a missing key under compaction); the same record is refused again.
UNFIT: Final = _codes(
    """
    INVALID_GROUP_ID INVALID_SESSION_TIMEOUT INCONSISTENT_GROUP_PROTOCOL GROUP_MAX_SIZE_REACHED
    UNSUPPORTED_ASSIGNOR INVALID_REGULAR_EXPRESSION UNSUPPORTED_VERSION UNSUPPORTED_FOR_MESSAGE_FORMAT
    UNSUPPORTED_COMPRESSION_TYPE TOPIC_EXCEPTION INVALID_CONFIG INVALID_TRANSACTION_TIMEOUT POLICY_VIOLATION
    INVALID_REQUIRED_ACKS MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE INVALID_MSG_SIZE INVALID_RECORD
    INVALID_TIMESTAMP OFFSET_METADATA_TOO_LARGE INVALID_COMMIT_OFFSET_SIZE
    _INVALID_ARG _NOT_CONFIGURED _UNSUPPORTED_FEATURE _UNKNOWN_PROTOCOL
    """
)

# --- ClientDead: close both clients, build new ones, read again from what is committed ------------------

# librdkafka's INTRODUCTION.md, "Fatal errors" and "Old producer fencing": no call will work again. Fencing
# codes: KIP-98, KIP-360 and KIP-890 (producers), KIP-345 and KIP-848 (static members). A wrong state or a
# conflict is this client's own muddle.
FINISHED: Final = _codes(
    """
    _FATAL _FENCED _GAPLESS_GUARANTEE _MAX_POLL_EXCEEDED _DESTROY _STATE _CONFLICT _INCONSISTENT
    _CRIT_SYS_RESOURCE _FAIL
    PRODUCER_FENCED INVALID_PRODUCER_EPOCH INVALID_PRODUCER_ID_MAPPING UNKNOWN_PRODUCER_ID INVALID_TXN_STATE
    OUT_OF_ORDER_SEQUENCE_NUMBER DUPLICATE_SEQUENCE_NUMBER TRANSACTION_ABORTABLE
    FENCED_INSTANCE_ID UNRELEASED_INSTANCE_ID GROUP_ID_NOT_FOUND INVALID_REQUEST
    """
)

# rdkafka_msgset_reader.c reports a batch that it cannot read and may go on behind it: polling on could step
# over a photo in silence. A new client reads the place again; if that does not help, the process ends.
# INVALID_MSG is the broker's word for the same; Kafka's own consumer throws it (FetchCollector).
UNREADABLE: Final = _codes(
    "_BAD_MSG _BAD_COMPRESSION _NOT_IMPLEMENTED _UNDERFLOW _LOG_TRUNCATION INVALID_MSG OFFSET_OUT_OF_RANGE"
)

# No call of the worker brings these (admin of topics, tokens, quotas and replicas, share groups, streams,
# voters, brokers among themselves, delivery reports, events that `consumer` takes by name).
UNEXPECTED: Final = _codes(
    """
    _AUTO_OFFSET_RESET _PARTITION_EOF _ASSIGN_PARTITIONS _REVOKE_PARTITIONS _MSG_TIMED_OUT _PURGE_QUEUE
    _PURGE_INFLIGHT _INVALID_DIFFERENT_RECORD _KEY_SERIALIZATION _VALUE_SERIALIZATION _KEY_DESERIALIZATION
    _VALUE_DESERIALIZATION _FS _UNKNOWN_GROUP _EXISTING_SUBSCRIPTION _READ_ONLY _NOENT _INVALID_TYPE
    _APPLICATION NO_ERROR
    STALE_CTRL_EPOCH STALE_BROKER_EPOCH TRANSACTION_COORDINATOR_FENCED OPERATION_NOT_ATTEMPTED
    LOG_DIR_NOT_FOUND REASSIGNMENT_IN_PROGRESS NO_REASSIGNMENT_IN_PROGRESS
    TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT
    TOPIC_DELETION_DISABLED NON_EMPTY_GROUP GROUP_SUBSCRIBED_TO_TOPIC RESOURCE_NOT_FOUND DUPLICATE_RESOURCE
    INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION FEATURE_UPDATE_FAILED MISMATCHED_ENDPOINT_TYPE
    UNSUPPORTED_ENDPOINT_TYPE UNKNOWN_CONTROLLER_ID UNKNOWN_SUBSCRIPTION_ID TELEMETRY_TOO_LARGE
    INVALID_REGISTRATION INVALID_RECORD_STATE FENCED_STATE_EPOCH INVALID_VOTER_KEY DUPLICATE_VOTER
    VOTER_NOT_FOUND STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH STREAMS_TOPOLOGY_FENCED
    """
)

# --- Retry: poll on ---------------------------------------------------------------------------------------

# It waits for somebody: an operator makes the topic, or metadata of a new one spread.
ABSENT: Final = _codes(
    "UNKNOWN_TOPIC_OR_PART UNKNOWN_TOPIC_ID INCONSISTENT_TOPIC_ID _UNKNOWN_TOPIC _UNKNOWN_PARTITION"
)

# librdkafka reports both for a connection that is lost in the middle of a handshake, too, and tries again
# (rdkafka_broker.c, rd_kafka_broker_handle_SaslHandshake; rd_kafka_err_action): a restart of the broker must
# not end a worker. No call brings them, only the error callback.
UNWELCOME: Final = _codes("_AUTHENTICATION _SSL")

# Kafka: every RetriableException. librdkafka: what rd_kafka_err_action retries or refreshes. Group: the
# consumer joins again by itself (rdkafka_cgrp.c; KIP-394, KIP-848). UNKNOWN: the broker stumbled; Kafka's own
# consumer fetches on, too (FetchCollector).
PASSING: Final = ABSENT | _codes(
    """
    _TRANSPORT _ALL_BROKERS_DOWN _RESOLVE _TIMED_OUT _TIMED_OUT_QUEUE _WAIT_COORD _WAIT_CACHE _NODE_UPDATE
    _DESTROY_BROKER _UNKNOWN_BROKER _IN_PROGRESS _PREV_IN_PROGRESS _RETRY _INTR _OUTDATED _PARTIAL
    _NO_OFFSET _NOOP _QUEUE_FULL _ISR_INSUFF _ASSIGNMENT_LOST
    LEADER_NOT_AVAILABLE NOT_LEADER_FOR_PARTITION REPLICA_NOT_AVAILABLE BROKER_NOT_AVAILABLE
    REQUEST_TIMED_OUT NETWORK_EXCEPTION KAFKA_STORAGE_ERROR OFFSET_NOT_AVAILABLE
    COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR NOT_CONTROLLER
    NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND CONCURRENT_TRANSACTIONS UNSTABLE_OFFSET_COMMIT
    FETCH_SESSION_ID_NOT_FOUND INVALID_FETCH_SESSION_EPOCH FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH
    LISTENER_NOT_FOUND PREFERRED_LEADER_NOT_AVAILABLE ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED
    THROTTLING_QUOTA_EXCEEDED REBOOTSTRAP_REQUIRED UNKNOWN
    SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH SHARE_SESSION_LIMIT_REACHED
    REBALANCE_IN_PROGRESS ILLEGAL_GENERATION UNKNOWN_MEMBER_ID MEMBER_ID_REQUIRED FENCED_MEMBER_EPOCH
    STALE_MEMBER_EPOCH
    """
)

REFUSED: Final = NOT_ALLOWED | UNFIT
RENEWED: Final = FINISHED | UNREADABLE | UNEXPECTED
RETRIED: Final = PASSING | UNWELCOME
