"""Settings, one class per edge, read from the environment with the prefix `PANGAEA_`.

Nested names join with two underscores: `PANGAEA_KAFKA__BOOTSTRAP`, `PANGAEA_TRITON__URL`. Values are
checked once, here; nothing further down reads the environment.

>>> Settings(kafka={"bootstrap": "127.0.0.1:9092"}).kafka.group
'pangaea'
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.errors import Refuse

Milliseconds = Annotated[int, Field(ge=1)]
MIB = 1024 * 1024
RESULT_BYTES = 8 * 1024
"""What the value of one result takes at most in the producer's queue, which counts values alone."""


class Frozen(BaseModel):
    """A settings group: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Frozen):
    """The broker, the group and the bounds of what is fetched and produced."""

    bootstrap: str = Field(default="127.0.0.1:9092", description="host:port[,host:port…]")
    group: str = "pangaea"
    photos_topic: str = "photos"
    protocol: Literal["classic", "consumer"] = "classic"
    session_timeout_ms: Milliseconds = 6_000
    max_poll_interval_ms: Milliseconds = 300_000
    transaction_timeout_ms: int = Field(default=5_000, ge=1_000, le=900_000)
    commit_interval_ms: Milliseconds = 20
    prefetch_kib: int = Field(default=16_384, ge=1_024, description="the local queue of fetched records, KiB")
    producer_queue_kib: int = Field(default=32_768, ge=1_024)
    start: Literal["earliest", "latest"] = Field(
        default="earliest", description="where a group that has never committed begins"
    )
    create_topics: bool = Field(default=False, description="create what is missing at the start")
    partitions: int = Field(
        default=6, ge=1, le=10_000, description="of new topics, where `photos` is new too"
    )
    accept_loss: bool = Field(default=False, description="go on where retention has eaten unread photos")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256"] | None = None
    username: str | None = None
    password: SecretStr | None = None


class TritonSettings(Frozen):
    """The inference server and how long one answer is waited for."""

    url: str = Field(default="127.0.0.1:8001", description="host:port of the gRPC service")
    model: str = "continent"
    patience_ms: Milliseconds = Field(default=2_000, description="engine deadline of a photo already late")
    attempts: int = Field(default=3, ge=1, le=10)
    in_flight: int = Field(default=4, ge=1, le=256, description="requests under way at once")
    photos_per_request: int = Field(
        default=8, ge=1, le=64, description="photos that wait together go together, up to so many"
    )


class PayloadSettings(Frozen):
    """Photos by reference (claim check): off unless schemes and buckets are listed."""

    allow: tuple[str, ...] = Field(
        default=(), description="prefixes a reference may have, e.g. s3://bucket/ or file:///srv/photos/"
    )
    timeout_ms: Milliseconds = 2_000
    attempts: int = Field(
        default=3,
        ge=1,
        le=10,
        description="unanswered fetches after which a photo is rejected",
    )
    s3_endpoint: str | None = Field(
        default=None, description="an S3-compatible server; default: the scheme's"
    )
    s3_region: str = "us-east-1"
    s3_access_key_id: SecretStr | None = None
    s3_secret_access_key: SecretStr | None = None


class LimitSettings(Frozen):
    """How much may be in flight, and how large one photo may be."""

    photo_bytes: int = Field(default=8 * MIB, ge=1_024)
    key_bytes: int = Field(
        default=16_384, ge=0, le=262_144, description="of a record's key, which its result carries too"
    )
    pixels: int = Field(default=50_000_000, ge=1, description="width × height before decoding")
    side: int = Field(default=20_000, ge=1, description="the longer side before decoding")
    in_flight: int = Field(default=64, ge=1, le=100_000, description="photos between poll and commit")
    in_flight_bytes: int = Field(default=64 * MIB, ge=1_024)
    decode_threads: int = Field(default=2, ge=1, le=64)


class EvidenceSettings(Frozen):
    """What of a photo's metadata may be looked at."""

    gps: bool = Field(default=True, description="whether positions are read, for the continent alone")


class DeadlineSettings(Frozen):
    """The promise in time, and what becomes of a photo that missed it."""

    budget_ms: Milliseconds = 200
    late: Literal["mark", "shed"] = "mark"
    skew_ms: Milliseconds = Field(
        default=60_000, description="a timestamp this far in the future counts from arrival"
    )
    oldest_ms: Milliseconds = Field(
        default=7 * 24 * 3_600_000, description="a timestamp older than this counts from arrival"
    )


class ServeSettings(Frozen):
    """Health and metrics over HTTP. Port 0 = a free one, printed in the log."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)


class LifeSettings(Frozen):
    """Starting, draining and rebuilding: how long, and how often, before the process gives up."""

    start_patience_ms: Milliseconds = Field(
        default=60_000, description="how long a missing broker, topic or Triton is waited for at the start"
    )
    drain_ms: Milliseconds = Field(
        default=5_000, description="how long what is in flight may take to finish on a revoke or a stop"
    )
    rebuilds_per_minute: int = Field(default=5, ge=0, description="Kafka clients rebuilt before exit 1")


class LogSettings(Frozen):
    """Structured logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    queue_lines: int = Field(default=4_096, ge=1, description="lines that may wait for a slow reader")


def _card_beside_the_code() -> Path:
    return Path(__file__).resolve().parent.parent / "triton_models" / "continent" / "card.json"


PROFILES: Mapping[str, Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "latency": {},
        "throughput": {"kafka": {"commit_interval_ms": 250}, "limit": {"in_flight": 256}},
    }
)
"""What a profile changes of the defaults, by group: `latency` is what they are made for."""


class Settings(BaseSettings):
    """Everything that can be set, by edge.

    Raises:
        pydantic.ValidationError: a value is out of range or a name is unknown. `load` turns it into Refuse.
    """

    model_config = SettingsConfigDict(
        env_prefix="PANGAEA_", env_nested_delimiter="__", frozen=True, extra="ignore", populate_by_name=True
    )

    instance: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="the transactional identity; default: host name + the lowest free slot",
    )
    profile: Literal["latency", "throughput"] = Field(
        default="latency", description="the defaults of what follows: made for the deadline, or for a backlog"
    )
    card: Path = Field(default_factory=_card_beside_the_code)
    kafka: KafkaSettings = KafkaSettings()
    triton: TritonSettings = TritonSettings()
    payload: PayloadSettings = PayloadSettings()
    limit: LimitSettings = LimitSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    deadline: DeadlineSettings = DeadlineSettings()
    serve: ServeSettings = ServeSettings()
    life: LifeSettings = LifeSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _by_profile(cls, given: Any) -> Any:  # noqa: ANN401 - what pydantic gives here has any shape
        """Lay what is set over what the profile sets."""
        if not isinstance(given, Mapping) or not isinstance(given.get("profile"), str):
            return given
        merged = dict(given)
        for group, values in PROFILES.get(given["profile"], {}).items():
            own = given.get(group, {})
            if isinstance(own, Mapping):
                merged[group] = {**values, **own}
        return merged

    @model_validator(mode="after")
    def _a_transaction_fits(self) -> Self:
        """One transaction may hold the results of all that is in flight: the producer must take them."""
        needed = self.limit.in_flight * RESULT_BYTES // 1024
        if needed > self.kafka.producer_queue_kib:
            raise ValueError(
                f"PANGAEA_KAFKA__PRODUCER_QUEUE_KIB must be {needed} at least, for the results of"
                f" PANGAEA_LIMIT__IN_FLIGHT={self.limit.in_flight} photos"
            )
        return self


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        Refuse: with every wrong value named in one sentence (exit code 2).
    """
    _no_strangers(os.environ)
    try:
        return Settings()
    except ValidationError as exc:
        errors = exc.errors(include_input=False, include_url=False)
        wrong = "; ".join(_said(error["loc"], error["msg"]) for error in errors)
        raise Refuse(f"settings are wrong: {wrong}.", exit_code=2) from exc


def _said(place: tuple[int | str, ...], message: str) -> str:
    """Say what is wrong with one value, or with several together: then the message names them."""
    if not place:
        return message.removeprefix("Value error, ")
    return f"PANGAEA_{'__'.join(str(part).upper() for part in place)} {message.lower()}"


ELSEWHERE = frozenset({"PANGAEA_HOME"})
"""Variables with our prefix that are not the worker's."""


def _no_strangers(environment: Mapping[str, str]) -> None:
    """Refuse a variable with our prefix that sets nothing: it is misspelt, and silence would hide it."""
    groups = {f"PANGAEA_{name.upper()}" for name in Settings.model_fields}
    for name in environment:
        if name.startswith("PANGAEA_") and name.partition("__")[0] not in groups | ELSEWHERE:
            near = difflib.get_close_matches(name.partition("__")[0], groups, n=1)
            mend = f"did you mean {near[0]}?" if near else "remove it, or see docs/operating.md."
            raise Refuse(f"{name} is no setting of Pangaea: {mend}", exit_code=2)
