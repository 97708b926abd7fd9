"""What `tail` and `replay` make of their arguments, and how refusals of Kafka read."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException
from pydantic import SecretStr

from worker.clients.replay import moment
from worker.clients.tail import topics_of
from worker.edges.connection import SENTENCES, client_config, refuse
from worker.errors import Refuse
from worker.settings import KafkaSettings
from worker.topics import REJECTED, layout


def test_without_arguments_all_eight_feeds_are_read() -> None:
    """The default is every feed, undetermined included, and nothing else."""
    chosen = topics_of([], rejected=False, drifts=False)
    assert len(chosen) == 8
    assert set(chosen) < {topic.name for topic in layout(partitions=1)}
    assert topics_of(["all"], rejected=False, drifts=False) == chosen


def test_flags_add_to_named_feeds_and_stand_alone() -> None:
    """--rejected and --drift read just those; beside feeds they add to them."""
    assert topics_of([], rejected=True, drifts=False) == [REJECTED]
    assert len(topics_of([], rejected=False, drifts=True)) == 7
    assert len(topics_of(["all"], rejected=True, drifts=True)) == 16
    assert topics_of(["asia", "asia", "undetermined"], rejected=False, drifts=True) == [
        "continent.asia",
        "continent.undetermined",
        "continent.asia.drift",
    ]


def test_an_unknown_feed_is_bad_usage() -> None:
    """The refusal names the valid slugs and shows nothing that could steer a terminal."""
    with pytest.raises(Refuse, match="north-america, oceania") as caught:
        topics_of(["eurasia\x1b[2J"], rejected=False, drifts=False)
    assert caught.value.exit_code == 2
    assert str(caught.value).isprintable()


def test_since_takes_ages_and_times() -> None:
    """An age counts back from now; a time without a zone is UTC; anything else is bad usage."""
    assert moment("90s", now=100.0) == 10.0
    assert moment("1.5h", now=5_400.0) == 0.0
    assert moment("1970-01-02", now=0.0) == 86_400.0
    assert moment("1970-01-01T02:00:00+02:00", now=0.0) == 0.0
    for wrong in ("yesterday", "-2h", "2 h", ""):
        with pytest.raises(Refuse) as caught:
            moment(wrong, now=0.0)
        assert caught.value.exit_code == 2


def test_secrets_leave_the_settings_only_here() -> None:
    """The client's settings carry TLS and SCRAM; the settings' own repr does not show the password."""
    settings = KafkaSettings(
        bootstrap="broker:9093",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        username="worker",
        password=SecretStr("hunter2"),
    )
    config = client_config(settings)
    assert config["sasl.password"] == "hunter2"
    assert config["security.protocol"] == "SASL_SSL"
    assert "ssl.ca.location" not in config
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_refusal_is_one_sentence_with_a_mend(code: int) -> None:
    """Whatever librdkafka says, a person reads one sentence that names what to do, and where."""
    refusal = refuse(KafkaException(KafkaError(code, "it said so")), KafkaSettings(bootstrap="here:1"))
    sentence = str(refusal)
    assert sentence.endswith(".")
    assert any(mend in sentence for mend in ("PANGAEA_KAFKA__", "grant"))
    assert refusal.exit_code == (2 if code == KafkaError._INVALID_ARG else 1)
