"""What came out, and when: a read_committed consumer of every output topic. A process of its own.

    python -m bench.reader           its spec as JSON on standard input (`Spec`); ends with one line of JSON

It reads from where the topics end as it starts, so nothing of an earlier run is taken for this one.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from bench import child
from bench.child import Document, Parent
from worker.clients.reading import Log, places, reader, tolerate
from worker.settings import KafkaSettings

POLL_SECONDS = 0.05
PROGRESS_SECONDS = 0.25
SETTLE_SECONDS = 0.3
"""After the last photo's record so long is listened for a second one of any."""

TIMING = ("queue_ms", "decode_ms", "infer_ms", "total_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is read: records about the photos `<run>-0` … `<run>-<count − 1>`; `output` is for the Reading."""

    bootstrap: str
    topics: tuple[str, ...]
    run: str
    count: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came out, by photo number: arrays of shape (count,), and `timing` (count, 4), NaN where not said.

    `moments` are those at which `poll` returned the first record of each (CLOCK_MONOTONIC, NaN: none came),
    `times` how many came, `timing` what the record says of its own way, in the order of TIMING.
    """

    moments: npt.NDArray[np.float64]
    times: npt.NDArray[np.int32]
    late: npt.NDArray[np.bool_]
    rejected: npt.NDArray[np.bool_]
    timing: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, count: int) -> Reading:
        """Nothing came yet."""
        return cls(
            moments=np.full(count, np.nan),
            times=np.zeros(count, np.int32),
            late=np.zeros(count, np.bool_),
            rejected=np.zeros(count, np.bool_),
            timing=np.full((count, len(TIMING)), np.nan, np.float32),
        )

    def save(self, place: Path) -> None:
        """Keep it."""
        np.savez(
            place,
            moments=self.moments,
            times=self.times,
            late=self.late,
            rejected=self.rejected,
            timing=self.timing,
        )

    @classmethod
    def load(cls, place: Path) -> Reading:
        """Return what was kept."""
        with np.load(place) as kept:
            return cls(**{name: kept[name] for name in kept.files})

    def note(self, number: int, document: Document, moment: float) -> bool:
        """Note one record; return whether it is the first about its photo."""
        self.times[number] += 1
        if self.times[number] > 1:
            return False
        self.moments[number] = moment
        self.rejected[number] = document.get("decision") is None
        if timing := document.get("timing"):
            self.late[number] = bool(timing.get("late"))
            self.timing[number] = [timing.get(name, np.nan) for name in TIMING]
        return True


def main(document: Document, parent: Parent) -> None:
    """Say ready, read until told how many photos there are and all have come, keep what came, and report.

    Raises:
        Refuse: no broker answers, or a topic is missing.
    """
    spec = Spec(**{**document, "topics": tuple(document["topics"])})
    reading = Reading.empty(spec.count)
    _read(spec, reading, parent)
    reading.save(Path(spec.output))
    parent.say("result", received=int((reading.times > 0).sum()))


def _read(spec: Spec, reading: Reading, parent: Parent) -> None:
    kafka = KafkaSettings(bootstrap=spec.bootstrap)
    starts = Log(kafka, spec.topics).ends()
    wanted, patience, received = spec.count, float("inf"), 0
    with reader(kafka) as consumer:
        consumer.assign(places(starts))
        parent.say("ready")
        gc.collect()
        gc.disable()
        last = said = time.monotonic()
        while True:
            message = consumer.poll(POLL_SECONDS)
            now = time.monotonic()
            if parent.changed.is_set():
                order = parent.order()
                if order is None:
                    return
                wanted, patience, last = int(order["sent"]), float(order["patience"]), now
            if message is not None:
                if (error := message.error()) is not None:
                    tolerate(error, kafka)
                    continue
                found = _found(message.value() or b"", spec)
                if found is not None:
                    received += reading.note(*found, now)
                    last = now
            if now - said > PROGRESS_SECONDS:
                said = now
                parent.say("progress", received=received)
            complete = received >= wanted and patience != float("inf")
            if now - last > (SETTLE_SECONDS if complete else patience):
                return


def _found(value: bytes, spec: Spec) -> tuple[int, Document] | None:
    """Return the photo's number and the record, None where it belongs to another run."""
    try:
        document: Document = orjson.loads(value)
        run, _, number = document["photo_id"].rpartition("-")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    if run != spec.run or not number.isdecimal() or int(number) >= spec.count:
        return None
    return int(number), document


if __name__ == "__main__":
    child.run(main)
