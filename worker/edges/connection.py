"""How every Kafka client of Pangaea reaches the broker: address, TLS, SCRAM, and the one mapping of refusals.

Secrets leave their wrapping here and nowhere else.

>>> client_config(KafkaSettings(bootstrap="127.0.0.1:9092"))["bootstrap.servers"]
'127.0.0.1:9092'
"""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from worker.errors import Refuse
from worker.settings import KafkaSettings

ClientConfig = dict[str, Any]

_MUTE = logging.Logger("librdkafka", logging.CRITICAL + 1)  # noqa: LOG001 - apart from the tree of loggers

_UNREACHABLE = (
    "no Kafka broker answers at {where} over {how}: start one with `pangaea up`, or set "
    "PANGAEA_KAFKA__BOOTSTRAP and PANGAEA_KAFKA__SECURITY_PROTOCOL."
)
_FORBIDDEN = "the Kafka broker at {where} does not allow this ({why}): grant the right and try again."
_CREDENTIALS = (
    "the Kafka broker at {where} does not accept these credentials: check PANGAEA_KAFKA__USERNAME, "
    "PANGAEA_KAFKA__PASSWORD and PANGAEA_KAFKA__SASL_MECHANISM."
)
_TLS = (
    "the Kafka broker at {where} and this client do not agree on TLS ({why}): check "
    "PANGAEA_KAFKA__SECURITY_PROTOCOL and PANGAEA_KAFKA__CA_FILE."
)
_SETTINGS = "Kafka settings are wrong ({why}): check those that begin with PANGAEA_KAFKA__."
_OTHER = "the Kafka broker at {where} refused: {why}."

# librdkafka's own codes have a leading underscore; they are as public as the others.
SENTENCES: dict[int, str] = {
    KafkaError._TRANSPORT: _UNREACHABLE,  # noqa: SLF001 - see above
    KafkaError._ALL_BROKERS_DOWN: _UNREACHABLE,  # noqa: SLF001 - see above
    KafkaError._TIMED_OUT: _UNREACHABLE,  # noqa: SLF001 - see above
    KafkaError._RESOLVE: _UNREACHABLE,  # noqa: SLF001 - see above
    KafkaError._SSL: _TLS,  # noqa: SLF001 - see above
    KafkaError._AUTHENTICATION: _CREDENTIALS,  # noqa: SLF001 - see above
    KafkaError._INVALID_ARG: _SETTINGS,  # noqa: SLF001 - see above
    KafkaError.SASL_AUTHENTICATION_FAILED: _CREDENTIALS,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.GROUP_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _FORBIDDEN,
}

ANSWER_SECONDS = 5.0
"""How long a command waits for the broker's first answer before it says that there is none."""


def client_config(settings: KafkaSettings) -> ClientConfig:
    """Return librdkafka's settings that every client shares.

    librdkafka would write lines of its own to standard error, where each line of ours is JSON. What they say
    reaches the caller as exceptions and callbacks all the same, and is logged there.
    """
    config: ClientConfig = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": "pangaea",
        "security.protocol": settings.security_protocol,
        "log_level": 0,
        "logger": _MUTE,
        # Clients would send the broker figures about themselves (KIP-714) where it asks for them.
        "enable.metrics.push": False,
        # A restarted broker is seen within half a second; the default backs off to ten.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 500,
        # The default, `rebootstrap` (KIP-899), strikes every broker off when all are away, and with them the
        # coordinators that calls under way are waiting for: those then hang (librdkafka's issue 5511).
        # Bootstrap addresses are asked again without it, too.
        "metadata.recovery.strategy": "none",
    }
    secret = settings.password.get_secret_value() if settings.password is not None else None
    optional = {
        "ssl.ca.location": settings.ca_file,
        "ssl.certificate.location": settings.certificate_file,
        "ssl.key.location": settings.key_file,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.username,
        "sasl.password": secret,
    }
    for name, value in optional.items():
        if value is not None:
            config[name] = str(value)
    return config


def refuse(exc: KafkaException, settings: KafkaSettings) -> Refuse:
    """Return the sentence, with the mend, for a command that the broker does not answer as it should."""
    error = exc.args[0] if exc.args else None
    if not isinstance(error, KafkaError):
        return Refuse(_SETTINGS.format(why=exc), exit_code=2)
    sentence = SENTENCES.get(error.code(), _OTHER)
    return Refuse(
        sentence.format(
            where=settings.bootstrap, how=settings.security_protocol, why=error.str().rstrip(".")
        ),
        exit_code=2 if sentence is _SETTINGS else 1,
    )
