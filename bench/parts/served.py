"""The engine through Triton: requests of one photo or several, so many at once, by gRPC and shared memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.accounts import Parties
from bench.parts import names
from bench.parts.child import Samples, Spec, answer
from bench.parts.prepared import prepared
from bench.parts.sample import Sample, Watch
from bench.parts.shared import Shared
from worker.edges.card import load as card
from worker.edges.triton import Engine
from worker.record import Answer, Prepared
from worker.settings import load

ANSWER_SECONDS = 10.0
"""The deadline of one request: nobody waits so long, unless the machine is ill."""

WARM_SECONDS = 0.3


class Load(NamedTuple):
    """So many requests under way at once, of so many photos each."""

    requests: int
    photos: int


Ask = Callable[[int, Sequence[Prepared]], Awaitable[Sequence[Answer]]]
"""Asks for some photos, from one of the places that have a request under way."""


def measure(spec: Spec) -> Samples:
    """Measure both ways under each of the `loads`.

    Further: `triton` (host:port), `pids` (its processes), `mix` (its folder), `seconds`, `repetitions`.
    """
    return asyncio.run(_measure(spec))


async def _measure(spec: Spec) -> Samples:
    settings = load()
    served = settings.triton.model_copy(update={"url": spec["triton"]})
    loads = [Load(*each) for each in spec["loads"]]
    mix, parties = prepared(Path(spec["mix"]), settings), {"triton": spec["pids"]}
    fused = card(settings.card).fusion is not None
    places, most = max(each.requests for each in loads), max(each.photos for each in loads)
    engine, samples = Engine(served, evidence=fused), dict[str, list[Sample]]()
    async with Shared.opened(served, places=places, photos=[mix[0]] * most, evidence=fused) as shared:

        async def by_grpc(_place: int, photos: Sequence[Prepared]) -> Sequence[Answer]:
            return await engine.infer(photos, ANSWER_SECONDS)

        async def by_memory(place: int, photos: Sequence[Prepared]) -> Sequence[Answer]:
            return await shared.infer(place, photos, ANSWER_SECONDS)

        ways: dict[str, Ask] = {names.GRPC: by_grpc, names.SHARED: by_memory}
        for ask in ways.values():
            await _sample(ask, mix, loads[-1], WARM_SECONDS, parties)
        # Round after round, so that a noisy moment falls on all of them and not on one.
        for _ in range(spec["repetitions"]):
            for way, ask in ways.items():
                for each in loads:
                    found = await _sample(ask, mix, each, spec["seconds"], parties)
                    samples.setdefault(names.load(way, *each), []).append(found)
    await engine.close()
    return samples


async def _sample(ask: Ask, mix: Sequence[Prepared], load: Load, seconds: float, parties: Parties) -> Sample:
    watch = Watch("worker", parties)

    async def place(number: int) -> int:
        """Ask again as soon as there is an answer; return for how many photos."""
        start = number
        while watch.elapsed() < seconds or start == number:
            await ask(number, [mix[(start + index) % len(mix)] for index in range(load.photos)])
            start += load.photos
        return start - number

    counts = await asyncio.gather(*(place(number) for number in range(load.requests)))
    return watch.sample(sum(counts))


if __name__ == "__main__":
    answer(measure)
