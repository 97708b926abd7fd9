"""The job that every peer does, taken from the worker where it is a pure function: only the plumbing differs.

A peer reads a photo from Kafka, decodes it, asks the ensemble, and writes one JSON record. Reading the event
and the metadata, decoding, finishing and the document are the worker's own functions; what carries records is
the peer's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import orjson
from confluent_kafka import Message
from tritonclient.grpc import InferenceServerClient, InferRequestedOutput

from worker.edges.card import load
from worker.edges.tensors import OUTPUTS, answers, inputs
from worker.finish.document import prediction_document, timestamp
from worker.finish.finish import finish
from worker.finish.recipe import Recipe
from worker.prepare.decode import DecodeLimits, Target
from worker.prepare.event import Event, Header, read
from worker.prepare.prepare import prepare
from worker.record import Answer, Moment, Photo, Prepared, Source, Timing

MODEL, BACKBONE = "continent", "efficientnet"
PATIENCE_SECONDS = 10.0
BUDGET_MS = 200
LIMITS = DecodeLimits(pixels=50_000_000, side=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a peer is told: where Kafka and Triton are, what to read and write, and how.

    `mode` is the peer's own (see its file); `in_flight` how many photos it may work on at once, where it can;
    `number` its own among the processes of the group.
    """

    bootstrap: str
    triton: str
    card: str
    group: str
    number: int
    photos: str
    output: str
    mode: str
    in_flight: int

    @classmethod
    def given(cls) -> Self:
        """The task on the command line: one JSON object."""
        return cls(**json.loads(sys.argv[1]))


class Incoming(NamedTuple):
    """A record as Kafka gave it; `at` is its timestamp in seconds."""

    source: Source
    key: bytes | None
    value: bytes
    headers: Sequence[Header]
    at: float


def incoming(message: Message) -> Incoming:
    """A message of Kafka's own client, as the job takes it."""
    source = Source(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
    headers: Any = message.headers() or []
    return Incoming(source, message.key(), message.value() or b"", headers, message.timestamp()[1] / 1000)


class Result(NamedTuple):
    """A record to write."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Job:
    """The job's parts; `recipe` is that of the engine that is served."""

    client: Any
    recipe: Recipe
    target: Target
    outputs: list[Any]

    @classmethod
    def open(cls, task: Task) -> Self:
        """Read the card, and ask Triton which engine it serves."""
        client = InferenceServerClient(task.triton, channel_args=[("grpc.enable_http_proxy", 0)])
        stated: Any = client.get_model_config(BACKBONE).config.parameters
        card = load(Path(task.card))
        recipe = card.recipe(precision=stated["precision"].string_value, target=stated["target"].string_value)
        names = OUTPUTS if recipe.fused else OUTPUTS[:1]
        return cls(client, recipe, card.target, [InferRequestedOutput(name) for name in names])

    def prepare(self, record: Incoming) -> tuple[Event, Prepared]:
        """Read, decode and look for evidence, by the worker's own functions."""
        event = read(record.source, record.headers, value_bytes=len(record.value))
        prepared = prepare(
            record.value,
            LIMITS,
            self.target,
            caption=event.caption,
            language=event.language,
            timezone=event.timezone,
            now=time.time(),
        )
        return event, prepared

    def inputs(self, photos: Sequence[Prepared]) -> list[Any]:
        """What Triton's client sends: so many photos in one request."""
        return inputs(photos, evidence=self.recipe.fused is not None)

    def answers(self, answer: Any) -> list[Answer]:  # noqa: ANN401 - Triton's client has no types
        """What Triton answered to each photo."""
        return answers([np.asarray(answer.as_numpy(one.name()), np.float32) for one in self.outputs])

    def infer(self, photo: Prepared) -> Answer:
        """Ask the ensemble and wait for it; any thread may."""
        answer = self.client.infer(
            MODEL, self.inputs([photo]), outputs=self.outputs, client_timeout=PATIENCE_SECONDS
        )
        return self.answers(answer)[0]

    def result(
        self, record: Incoming, event: Event, prepared: Prepared, answer: Answer, spent: Timing
    ) -> Result:
        """The record to write, in the worker's own shape."""
        now = Moment(time.time(), time.monotonic())
        begun = now.steady - max(0.0, now.wall - record.at)
        photo = Photo(
            source=record.source,
            photo_id=event.photo_id,
            key=record.key,
            payload=b"",
            dataref=None,
            traceparent=event.traceparent,
            begun=begun,
            deadline=begun + BUDGET_MS / 1000,
        )
        prediction = finish(photo, answer, prepared, spent, self.recipe)
        document = prediction_document(prediction, self.recipe, now=now, budget_ms=BUDGET_MS)
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_type", b"pangaea.prediction.v1"),
            ("ce_id", f"{event.photo_id}/prediction".encode()),
            ("ce_source", b"peers"),
            ("ce_time", timestamp(now.wall).encode()),
            ("content-type", b"application/json"),
        ]
        return Result(record.key, orjson.dumps(document), headers)

    def __call__(self, record: Incoming) -> Result:
        """The whole job for one photo, step after step."""
        queued, began = time.time() - record.at, time.monotonic()
        event, prepared = self.prepare(record)
        decoded = time.monotonic()
        answer = self.infer(prepared)
        spent = Timing(
            queue_ms=max(0.0, queued) * 1000,
            decode_ms=(decoded - began) * 1000,
            infer_ms=(time.monotonic() - decoded) * 1000,
        )
        return self.result(record, event, prepared, answer, spent)
