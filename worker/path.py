"""The middle of the path, for one photo: prepare → infer → finish. It always ends in exactly one outcome."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from worker.edges.logs import Logger
from worker.edges.metrics import Metrics
from worker.edges.triton import EngineAway, EngineFault, EngineTimeout
from worker.errors import Reject, Retry
from worker.finish.finish import finish
from worker.finish.recipe import Recipe
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.prepare.prepare import prepare
from worker.record import Answer, Outcome, Photo, Prepared, Rejection, Timing
from worker.requests import Company, Requests
from worker.settings import Settings
from worker.suspects import Suspects

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


class Payloads(Protocol):
    """What the path needs of a store of photos by reference."""

    async def fetch(self, dataref: str, *, timeout: float) -> bytes:  # noqa: ASYNC109 - the store's own deadline
        """Return the photo's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One photo's way through the worker; used inside one event loop.

    `decoders` bounds how many photos are decoded at once, `requests` how many the engine has at once;
    `suspects` takes in the photos on which it has failed; `clock` is the steady one, `wall` tells the date.
    """

    settings: Settings
    recipe: Recipe
    target: Target
    payloads: Payloads
    decoders: Executor
    requests: Requests
    suspects: Suspects
    metrics: Metrics
    logger: Logger
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    async def outcome(self, photo: Photo) -> Outcome:
        """Classify or reject the photo. The outcome does not hold the image bytes any more.

        Waits as long as Triton is away: that is nothing the photo is to blame for. A payload store is one
        sender's choice, so it is waited for only so often, and then costs that sender's photos alone.
        """
        try:
            prepared, began, decoded = await self._prepare(photo)
            answer = await self._infer(photo, prepared)
            timing = Timing(
                queue_ms=(began - photo.begun) * 1000,
                decode_ms=(decoded - began) * 1000,
                infer_ms=(self.clock() - decoded) * 1000,
            )
            return finish(photo.emptied(), answer, prepared, timing, self.recipe)
        except Reject as reject:
            return Rejection(photo=photo.emptied(), reason=reject.reason, detail=reject.detail)
        except Exception as exc:
            # One photo's surprise must not cost its neighbours theirs.
            self.logger.exception("surprise", source=list(photo.source))
            return Rejection(
                photo=photo.emptied(),
                reason="engine_error",
                detail=f"The worker met an error of its own ({type(exc).__name__}); see its log.",
            )

    async def _prepare(self, photo: Photo) -> tuple[Prepared, float, float]:
        """Fetch by reference if need be, then decode; give the moments when decoding began and ended."""
        self._in_time(photo)
        data = photo.payload
        if photo.dataref is not None:
            data = await self._fetch(photo, photo.dataref)
        if not data:
            raise Reject("empty", "The record has no image bytes.")
        if len(data) > self.settings.limit.photo_bytes:
            raise Reject("too_large", f"The photo is larger than {self.settings.limit.photo_bytes} bytes.")
        with self.metrics.decode_queue.track_inprogress():
            return await asyncio.get_running_loop().run_in_executor(self.decoders, self._decode, photo, data)

    def _decode(self, photo: Photo, data: bytes) -> tuple[Prepared, float, float]:
        """Decode and read the metadata on a thread of its own, unless the wait cost the photo its time."""
        self._in_time(photo)
        limits = DecodeLimits(self.settings.limit.pixels, self.settings.limit.side)
        with self.metrics.decoding.track_inprogress():
            began = self.clock()
            if self.recipe.fused is None:
                return decode(data, limits, self.target), began, self.clock()
            prepared = prepare(
                data,
                limits,
                self.target,
                caption=photo.caption,
                language=photo.language,
                timezone=photo.timezone,
                now=self.wall(),
                gps=self.settings.evidence.gps,
            )
            return prepared, began, self.clock()

    async def _fetch(self, photo: Photo, dataref: str) -> bytes:
        payload, pause = self.settings.payload, FIRST_PAUSE_SECONDS
        timeout = payload.timeout_ms / 1000
        for attempt in range(1, payload.attempts + 1):
            if self._sheds(patient=False):
                timeout = min(timeout, self._in_time(photo))
            try:
                return await self.payloads.fetch(dataref, timeout=timeout)
            except Retry as retry:
                if attempt == payload.attempts:
                    raise Reject(
                        "payload_unavailable", f"The photo's store did not answer {attempt} times."
                    ) from retry
                pause = await _pause(pause)
        raise AssertionError("attempts is at least 1")

    async def _infer(self, photo: Photo, prepared: Prepared) -> Answer:
        """Ask until there is an answer; a photo that the engine fails on becomes a suspect."""
        patient, pause = False, FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._ask(photo, prepared, patient=patient)
            except EngineAway as away:
                self._failed(photo, away, patient=patient)
                # An outage is nothing that a photo is shed for.
                patient = True
            except (EngineFault, EngineTimeout) as failure:
                self._failed(photo, failure, patient=patient)
                with self.metrics.suspects.track_inprogress():
                    return await self._suspect(photo, prepared, failure, patient=patient)
            pause = await _pause(pause)

    async def _suspect(
        self, photo: Photo, prepared: Prepared, failure: EngineFault | EngineTimeout, *, patient: bool
    ) -> Answer:
        """Ask again for a photo that the engine has failed on.

        Suspects are tried one at a time, so that none pays for another, and each only after the engine has
        answered a known photo: a photo may be slow or indigestible by itself, or have shared a batch with one
        that is, or the server may be ill. A failure in its turn is held against the photo, and the one that
        made it a suspect is if the engine answers the known photo at once. While the server answers nobody
        nothing is learned about any photo, and nothing is counted.
        """
        failures, failed, pause, open_question = 0, self.clock(), FIRST_PAUSE_SECONDS, True
        while True:
            try:
                async with self.suspects.turn(failed):
                    failures += open_question
                    open_question = False
                    self._give_up(failures)
                    # Who raises may have raised for its whole batch: the last word is spoken alone.
                    last = failures == self.settings.triton.attempts - 1
                    alone = last and isinstance(failure, EngineFault)
                    company: Company = "alone" if alone else "own"
                    return await self._ask(photo, prepared, patient=patient, company=company)
            except EngineAway as away:
                self._failed(photo, away, patient=patient)
                # The failure before it may have been the server's: it is not held against the photo.
                patient, open_question = True, False
                pause = await _pause(pause)
            except (EngineFault, EngineTimeout) as again:
                self._failed(photo, again, patient=patient)
                # Nobody is asked to confirm it: a photo that keeps the engine busy for longer than a known
                # photo is waited for would be tried for ever.
                failures += 1
                self._give_up(failures)
                failure, failed, pause = again, self.clock(), FIRST_PAUSE_SECONDS

    def _give_up(self, failures: int) -> None:
        """Reject a photo on which the engine has failed as often as is allowed."""
        if failures >= self.settings.triton.attempts:
            raise Reject("engine_error", f"The engine failed on this photo {failures} times.")

    async def _ask(
        self, photo: Photo, prepared: Prepared, *, patient: bool, company: Company = "shared"
    ) -> Answer:
        """Ask the engine: in a request with others, in one of its own, or when no other is under way."""
        return await self.requests.ask(prepared, partial(self._in_time, photo, patient=patient), company)

    def _sheds(self, *, patient: bool) -> bool:
        """Whether a photo that is late is rejected, rather than marked."""
        return self.settings.deadline.late == "shed" and not patient

    def _in_time(self, photo: Photo, *, patient: bool = False) -> float:
        """Return the engine's deadline for this photo, in seconds from now.

        Raises:
            Reject: late photos are shed, and the deadline has passed.
        """
        remaining = photo.deadline - self.clock()
        if not self._sheds(patient=patient):
            return max(remaining, self.settings.triton.patience_ms / 1000)
        if remaining <= 0:
            raise Reject("deadline", "The photo's deadline had passed before it could be answered.")
        return remaining

    def _failed(self, photo: Photo, failure: Retry, *, patient: bool) -> None:
        """Count a failure.

        Raises:
            Reject: it cost the photo its time, and late photos are shed.
        """
        self.metrics.engine_failures.labels(meaning=type(failure).__name__).inc()
        self.logger.debug("engine_failed", source=list(photo.source), meaning=type(failure).__name__)
        if isinstance(failure, EngineTimeout) and self._sheds(patient=patient):
            raise Reject("deadline", "The engine did not answer before the deadline.") from failure


async def _pause(seconds: float) -> float:
    """Wait, with jitter, and return the next pause."""
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
    return min(2 * seconds, LONGEST_PAUSE_SECONDS)
