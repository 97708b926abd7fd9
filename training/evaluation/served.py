"""What the worker says of photos: its own intake, decoding, engine and finishing, without Kafka."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Never

import structlog

from training.evaluation.labelled import LabelledPhoto
from worker.clients.media import content_type_of
from worker.edges.card import load
from worker.edges.consumer import Record
from worker.edges.metrics import Metrics
from worker.edges.triton import Engine
from worker.errors import Refuse, Reject, Retry
from worker.finish.recipe import Recipe
from worker.intake import intake
from worker.opening import qualify
from worker.path import Path
from worker.prepare.event import PHOTO_TYPE, SPEC_VERSION
from worker.record import Moment, Outcome, Rejection, Source
from worker.requests import Requests
from worker.settings import DeadlineSettings, Settings
from worker.suspects import Suspects

UNHURRIED: Final = DeadlineSettings(budget_ms=60_000, late="mark")
"""Nobody waits for these answers: none is shed for being late."""

TOPIC: Final = "photos"

Meter = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A photo as its sender would send it: the file's bytes and what is said beside them."""

    data: bytes
    caption: str | None = None
    language: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """The outcome of each photo, in order, and the recipe that they were finished by."""

    outcomes: tuple[Outcome, ...]
    recipe: Recipe


def submitted(photo: LabelledPhoto) -> Submitted:
    """Read a labelled photo's file.

    Raises:
        Reject: it cannot be read any more.
    """
    try:
        data = photo.path.read_bytes()
    except OSError as exc:
        raise Reject("payload_unavailable", "The file cannot be read.") from exc
    return Submitted(data, caption=photo.caption, language=photo.language, timezone=photo.timezone)


def serve(photos: Sequence[Callable[[], Submitted]], settings: Settings, meter: Meter) -> Served:
    """Put photos through the worker's path, against the Triton of the settings.

    Args:
        photos: each is called when its turn has come, so that no more are held than are under way.
        settings: the worker's; their deadline is not used.
        meter: told how far it is.

    Raises:
        Refuse: no Triton answers there, or its engine does not fit the card.
    """
    return asyncio.run(_serve(photos, settings, meter))


async def _serve(photos: Sequence[Callable[[], Submitted]], settings: Settings, meter: Meter) -> Served:
    settings = settings.model_copy(update={"deadline": UNHURRIED})
    async with _path(settings) as path:
        outcomes: list[Outcome | None] = [None] * len(photos)
        waiting = iter(range(len(photos)))
        done = 0

        async def work() -> None:
            nonlocal done
            for number in waiting:
                # On a thread of its own: reading (or corrupting) one photo must not hold up the others.
                try:
                    photo = await asyncio.to_thread(photos[number])
                except Reject as gone:
                    outcomes[number] = _rejection(path, gone, number)
                else:
                    outcomes[number] = await _outcome(path, photo, number)
                done += 1
                meter("photos", done, len(photos))

        await asyncio.gather(*(work() for _ in range(settings.triton.in_flight * 2)))
        return Served(tuple(each for each in outcomes if each is not None), path.recipe)


async def _outcome(path: Path, photo: Submitted, number: int) -> Outcome:
    now = Moment(wall=time.time(), steady=time.monotonic())
    taken = intake(_record(photo, number, now.wall), now=now, limit=path.settings.limit, deadline=UNHURRIED)
    return taken.rejection or await path.outcome(taken.photo)


def _rejection(path: Path, why: Reject, number: int) -> Rejection:
    """The outcome of a photo that never came."""
    now = Moment(wall=time.time(), steady=time.monotonic())
    record = _record(Submitted(b""), number, now.wall)
    photo = intake(record, now=now, limit=path.settings.limit, deadline=UNHURRIED).photo
    return Rejection(photo=photo, reason=why.reason, detail=why.detail)


def _record(photo: Submitted, number: int, now: float) -> Record:
    """The record that `pangaea publish` would make of it; the id is the photo's place in the list."""
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_type": PHOTO_TYPE,
        "ce_id": str(number),
        "ce_source": "evaluation",
        "ce_time": datetime.fromtimestamp(now, UTC).isoformat(),
        "content-type": content_type_of(photo.data),
        "ce_captiontext": photo.caption,
        "ce_languagetag": photo.language,
        "ce_timezone": photo.timezone,
    }
    return Record(
        source=Source(TOPIC, 0, number),
        key=None,
        value=photo.data,
        headers=tuple((name, value.encode()) for name, value in headers.items() if value is not None),
        timestamp=now,
    )


@asynccontextmanager
async def _path(settings: Settings) -> AsyncIterator[Path]:
    card = load(settings.card)
    engine = Engine(settings.triton, evidence=card.fusion is not None)
    try:
        try:
            qualified = await qualify(
                engine, card, settings.card, triton=settings.triton, limit=settings.limit
            )
        except Retry as away:
            raise Refuse(f"{away}.") from away
        metrics = Metrics()
        requests = Requests(
            engine,
            in_flight=settings.triton.in_flight,
            photos=settings.triton.photos_per_request,
            metrics=metrics,
        )
        control = partial(engine.infer, [qualified.known], settings.triton.patience_ms / 1000)
        try:
            with ThreadPoolExecutor(settings.limit.decode_threads, "decode") as decoders:
                yield Path(
                    settings=settings,
                    recipe=qualified.recipe,
                    target=card.target,
                    payloads=NoPayloads(),
                    decoders=decoders,
                    requests=requests,
                    suspects=Suspects(control),
                    metrics=metrics,
                    logger=structlog.wrap_logger(
                        structlog.PrintLogger(sys.stderr),
                        processors=[structlog.processors.JSONRenderer()],
                        wrapper_class=structlog.make_filtering_bound_logger("error"),
                    ),
                )
        finally:
            await requests.close()
    finally:
        await engine.close()


class NoPayloads:
    """A store that is never asked: every photo carries its bytes."""

    async def fetch(self, dataref: str, *, timeout: float) -> Never:  # noqa: ASYNC109 - the port's signature
        """Refuse the photo."""
        del dataref, timeout
        raise Reject("payload_forbidden", "Photos by reference are not evaluated.")
