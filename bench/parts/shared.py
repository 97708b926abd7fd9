"""Triton through system shared memory: pixels and logits lie in a region that both sides map.

What comes with evidence, a few hundred bytes, travels in the request and the answer themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.shared_memory import SharedMemory
from typing import Self

import numpy as np
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from worker.edges.tensors import IMAGE, OUTPUTS, answers, told
from worker.edges.triton import CHANNEL
from worker.record import Answer, Logits, Pixels, Prepared
from worker.settings import TritonSettings

LET_GO_SECONDS, LOOK_SECONDS = 5.0, 0.02


class Shared:
    """A client with so many places for requests; each place has one request under way at most."""

    def __init__(
        self,
        client: InferenceServerClient,
        model: str,
        memory: SharedMemory,
        pixels: Pixels,
        logits: Logits,
        *,
        evidence: bool,
    ) -> None:
        self._client = client
        self._model = model
        self._evidence = evidence
        self._memory = memory
        # In the region: (places, photos, size, size, 3), and behind it (places, photos, heads, labels).
        self._pixels, self._logits = pixels, logits

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: TritonSettings, *, places: int, photos: Sequence[Prepared], evidence: bool
    ) -> AsyncIterator[Self]:
        """Make a region for so many requests of so many photos, tell Triton of it, and undo both at the end.

        Raises:
            tritonclient.utils.InferenceServerException: Triton does not see this machine's shared memory.
        """
        client = InferenceServerClient(settings.url, channel_args=CHANNEL)
        config = (await client.get_model_config(settings.model)).config
        before = (places, len(photos), *photos[0].pixels.shape)
        after = (places, len(photos), *config.output[0].dims)
        size = places * sum(photo.pixels.nbytes for photo in photos)
        memory = SharedMemory(create=True, size=size + int(np.prod(after)) * np.dtype(np.float32).itemsize)
        shared = cls(
            client,
            settings.model,
            memory,
            np.ndarray(before, np.uint8, buffer=memory.buf),
            np.ndarray(after, np.float32, buffer=memory.buf, offset=size),
            evidence=evidence,
        )
        try:
            await client.register_system_shared_memory(memory.name, f"/{memory.name}", memory.size)
            yield shared
            await _let_go(client, memory.name)
        finally:
            # The region cannot be closed while arrays look into it.
            del shared._pixels, shared._logits
            memory.close()
            memory.unlink()
            await client.close()

    async def infer(self, place: int, photos: Sequence[Prepared], seconds: float) -> Sequence[Answer]:
        """Return each photo's answer within so many seconds."""
        pixels, logits = self._pixels[place, : len(photos)], self._logits[place, : len(photos)]
        np.stack([each.pixels for each in photos], out=pixels)
        image, stage1 = InferInput(IMAGE, list(pixels.shape), "UINT8"), InferRequestedOutput(OUTPUTS[0])
        image.set_shared_memory(self._memory.name, pixels.nbytes, offset=place * self._pixels[0].nbytes)
        offset = self._pixels.nbytes + place * self._logits[0].nbytes
        stage1.set_shared_memory(self._memory.name, logits.nbytes, offset=offset)
        beside = OUTPUTS[1:] if self._evidence else ()
        answer = await self._client.infer(
            self._model,
            [image, told(photos)] if self._evidence else [image],
            outputs=[stage1, *map(InferRequestedOutput, beside)],
            client_timeout=seconds,
        )
        return answers([logits.copy(), *(np.asarray(answer.as_numpy(name)) for name in beside)])


async def _let_go(client: InferenceServerClient, region: str) -> None:
    """Have Triton unmap a region; it is still in use for a moment after the last answer has been sent."""
    deadline = time.monotonic() + LET_GO_SECONDS
    while True:
        try:
            await client.unregister_system_shared_memory(region)
        except InferenceServerException as exc:
            if time.monotonic() > deadline or "in use" not in str(exc.message()):
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
