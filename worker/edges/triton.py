"""Triton over gRPC: an ensemble request for one photo or several, and one table of what failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from worker.edges.tensors import OUTPUTS, answers, inputs
from worker.errors import Refuse, Retry
from worker.record import Answer, Prepared
from worker.settings import TritonSettings

BACKBONE, HEADS = "efficientnet", "fusion"

CHANNEL = [
    # gRPC's own back-off grows to minutes: a restarted server was seen after 12 s, with these after 0.4 s.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    # An environment's HTTP proxy is not for the server beside us, and photos go nowhere else.
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_send_message_length", 16 * 1024 * 1024),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
]
HYGIENE_SECONDS = 1.0
"""By how much Triton's own queue time-out exceeds the client's: it only clears what nobody waits for."""

HEALTH_SECONDS = 2.0


class EngineAway(Retry):
    """The server cannot be reached, is loading or is stopping: nothing is known about any photo."""


class EngineBusy(EngineAway):
    """The server refuses more work for now."""


class EngineTimeout(Retry):
    """The answer did not come in time."""


class EngineFault(Retry):
    """A server that is up failed on this request: worth a few attempts, then the photo is to blame."""


class Rule(NamedTuple):
    """A failure as Triton 2.51 words it: gRPC status, a part of the message (any if empty), its meaning."""

    status: str
    phrase: str
    meaning: type[Retry]


# Triton says UNAVAILABLE for four different things; only the message tells them apart. First match wins.
RULES = (
    Rule("DEADLINE_EXCEEDED", "", EngineTimeout),
    Rule("UNAVAILABLE", "request timeout expired", EngineTimeout),
    Rule("UNAVAILABLE", "exceeds maximum queue size", EngineBusy),
    Rule("UNAVAILABLE", "", EngineAway),
    Rule("RESOURCE_EXHAUSTED", "", EngineBusy),
    Rule("CANCELLED", "", EngineAway),
    Rule("NOT_FOUND", "", EngineAway),
    # The engine's own process died under the server, which brings it back or is stopping itself.
    Rule("INTERNAL", "stub process", EngineAway),
    Rule("INTERNAL", "server is stopping", EngineAway),
    Rule("UNKNOWN", "stub process", EngineAway),
    Rule("", "", EngineFault),
)


def meaning(status: str, message: str) -> type[Retry]:
    """Return which branch a failed request belongs to, by gRPC status name and message.

    >>> meaning("UNAVAILABLE", "[request id: 1] Exceeds maximum queue size").__name__
    'EngineBusy'
    >>> meaning("INTERNAL", "ValueError: a photo that the engine chokes on").__name__
    'EngineFault'
    """
    lowered = message.lower()
    return next(rule.meaning for rule in RULES if rule.status in {"", status} and rule.phrase in lowered)


class Identity(NamedTuple):
    """What a loaded engine says of itself."""

    source_sha256: str
    precision: str
    target: str


class Engine:
    """The ensemble behind Triton. Made and used inside one running event loop.

    `evidence`: whether the model takes it; one that does not has the image's logits as its only answer.
    `answered`: whether it did the last time that it was asked for a photo.

    Raises (from every call):
        EngineAway, EngineBusy, EngineTimeout, EngineFault: by the table above.
    """

    def __init__(self, settings: TritonSettings, *, evidence: bool) -> None:
        self._model = settings.model
        self._url = settings.url
        self._client = InferenceServerClient(settings.url, channel_args=CHANNEL)
        self._evidence = evidence
        self._names = OUTPUTS if evidence else OUTPUTS[:1]
        self._outputs = [InferRequestedOutput(name) for name in self._names]
        self.answered = True

    async def infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Return each photo's answer.

        Args:
            photos: as many as the model takes at most.
            seconds: the gRPC deadline, which is what counts; Triton's own covers only its queue.
        """
        try:
            said = await self._infer(photos, seconds)
        except Retry:
            self.answered = False
            raise
        self.answered = True
        return said

    async def _infer(self, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        try:
            answer = await self._client.infer(
                self._model,
                inputs(photos, evidence=self._evidence),
                outputs=self._outputs,
                client_timeout=seconds,
                timeout=int((seconds + HYGIENE_SECONDS) * 1e6),
            )
        except InferenceServerException as exc:
            raise _named(exc) from exc
        return answers([_whole(answer.as_numpy(name), name, len(photos)) for name in self._names])

    async def ready(self) -> bool:
        """Whether the server and the ensemble are ready to answer."""
        try:
            return bool(await self._client.is_model_ready(self._model, client_timeout=HEALTH_SECONDS))
        except InferenceServerException:
            # Not reachable is an answer to this question.
            return False

    async def identity(self, model: str) -> Identity:
        """Return the hash, precision and target that a loaded engine states in its configuration.

        Raises:
            Refuse: the model was not built by Pangaea.
        """
        parameters = (await self._config(model)).parameters
        missing = [name for name in ("source_sha256", "precision", "target") if name not in parameters]
        if missing:
            raise Refuse(
                f"Triton's model {model} does not say its {' and '.join(missing)}: serve a repository made by"
                " `pangaea models build`."
            )
        return Identity(*(parameters[name].string_value for name in Identity._fields))

    async def largest(self) -> int:
        """Return how many photos one request may carry."""
        return int((await self._config(self._model)).max_batch_size)

    async def _config(self, model: str) -> Any:  # noqa: ANN401 - a message of tritonclient's, which has no types
        try:
            answer = await self._client.get_model_config(model, client_timeout=HEALTH_SECONDS)
        except InferenceServerException as exc:
            raise _named(exc) from exc
        return answer.config

    async def close(self) -> None:
        """Close the channel; a close that hangs on a dead server is given up after a second."""
        try:
            await asyncio.wait_for(self._client.close(), timeout=1.0)
        except TimeoutError:
            return


def _whole(array: npt.NDArray[Any] | None, name: str, count: int) -> npt.NDArray[np.float32]:
    if array is None or len(array) != count or not np.isfinite(array).all():
        raise EngineFault(f"Triton answered without {name}, or with one that is not finite")
    return np.asarray(array, dtype=np.float32)


def _named(exc: InferenceServerException) -> Retry:
    status = str(exc.status() or "").removeprefix("StatusCode.")
    message = str(exc.message() or "")
    return meaning(status, message)(f"{status}: {message}")
