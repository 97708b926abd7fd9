"""What holds without any fault: memory in front of a long backlog, and the cost of waiting for photos."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from PIL import Image
from rich.console import Console

from tests.end_to_end.harness import Worker, wait_until
from tests.faults.field import Field, Trial
from tests.faults.fields import EXAMPLES, opened

BACKLOG = 200_000
DRAIN_SECONDS = 60.0
IDLE_SECONDS = 30.0
WARM_PHOTOS = 200
"""How many are published before memory is looked at: by then every buffer has been used."""

SIDE = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Resident memory while a backlog is drained, as (seconds, MiB), and the share of a core when idle."""

    backlog: int
    published: int
    memory: tuple[tuple[float, float], ...]
    idle_core: float

    @property
    def growth_mib(self) -> float:
        """The median of the last fifth of the samples less that of the first fifth."""
        sizes = [size for _, size in self.memory]
        fifth = max(1, len(sizes) // 5)
        return sorted(sizes[-fifth:])[fifth // 2] - sorted(sizes[:fifth])[fifth // 2]


def measure(scratch: Path, console: Console) -> Steady:
    """Measure on a field of its own."""
    folder = scratch / "steady"
    folder.mkdir()
    console.print(f"steady: idle for {IDLE_SECONDS:.0f} s, then {DRAIN_SECONDS:.0f} s of {BACKLOG} photos …")
    with opened("real", folder) as field:
        return drain(field, backlog=BACKLOG, seconds=DRAIN_SECONDS, idle_seconds=IDLE_SECONDS)


def drain(field: Field, *, backlog: int, seconds: float, idle_seconds: float) -> Steady:
    """Watch a worker wait, then put a backlog before it and watch its memory while it works that off."""
    with Trial(field, "steady", rate=1e6) as trial:
        worker = trial.ready()
        process = psutil.Process(worker.process.pid)
        idle = _idle(process, idle_seconds)
        # Real photos, made small: a backlog of large ones would be one of the disk.
        with trial.load(photos=small_photos(), total=backlog):
            pass
        wait_until(lambda: _published(worker) > WARM_PHOTOS, 120, "a warm worker")
        before = _published(worker)
        memory = _watch(process, seconds)
        published = _published(worker) - before
        return Steady(backlog=backlog, published=int(published), memory=memory, idle_core=idle)


def small_photos() -> list[bytes]:
    """The example photos, scaled down to a few kilobytes each."""
    return [_small(path) for path in sorted(EXAMPLES.glob("*.jpg"))]


def _small(path: Path) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as photo:
        photo.thumbnail((SIDE, SIDE))
        photo.save(buffer, "JPEG")
    return buffer.getvalue()


def _published(worker: Worker) -> float:
    return worker.metric("pangaea_photos_published_total") + worker.metric("pangaea_photos_rejected_total")


def _idle(process: psutil.Process, seconds: float) -> float:
    """The share of one core that it takes while nothing comes."""
    if not seconds:
        return 0.0
    threading.Event().wait(2.0)
    before, began = process.cpu_times(), time.monotonic()
    threading.Event().wait(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.monotonic() - began)


def _watch(process: psutil.Process, seconds: float) -> tuple[tuple[float, float], ...]:
    began, samples = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds:
        samples.append((now, process.memory_info().rss / 2**20))
        threading.Event().wait(0.5)
    return tuple(samples)
