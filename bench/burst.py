"""A burst: so many photos at once on a running subject, and how fast they come out again."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench import accounts, arrivals, generator, reader
from bench.child import READY_SECONDS, Child, Document, InstrumentError
from bench.latency import LEAD_SECONDS, LONGEST_DRAIN_SECONDS, PATIENCE_SECONDS
from bench.stand import Stand
from bench.subject import Team
from worker.errors import Refuse
from worker.topics import PHOTOS

SPEED: Final = 4_000.0
"""Photos a second that are sent: many times what anybody takes, so that all of them wait from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What became of a burst: when each record was read (seconds, one for each photo), and what it cost.

    `cpu_ms` is of the subject's own processes, a photo, from before the first photo until after the last.
    """

    moments: npt.NDArray[np.float64]
    cpu_ms: float


def burst(stand: Stand, team: Team, photos: Path, count: int, *, seed: int = 0) -> Burst:
    """Send about so many photos of a folder at once and wait for a record of each.

    Raises:
        Refuse: the subject ended, or not every photo was answered by one record that is no rejection.
        InstrumentError: generator or reader failed: the subject is not to blame.
    """
    run = f"burst.{time.time_ns()}"
    due = arrivals.intended(SPEED, count / SPEED, seed)
    with tempfile.TemporaryDirectory(dir=stand.folder) as folder:
        reading = reader.Spec(
            bootstrap=stand.kafka,
            topics=team.subject.outputs,
            run=run,
            count=len(due),
            output=str(Path(folder) / "reading.npz"),
        )
        sending = generator.Spec(
            bootstrap=stand.kafka,
            topic=PHOTOS,
            partitions=stand.partitions,
            photos=str(photos),
            run=run,
            rate=SPEED,
            seconds=count / SPEED,
            warm_up=0.0,
            seed=seed,
        )
        with (
            Child("bench.reader", asdict(reading), log=stand.folder / "reader.log") as eye,
            Child("bench.generator", asdict(sending), log=stand.folder / "generator.log") as hand,
        ):
            eye.hear("ready", READY_SECONDS)
            hand.hear("ready", READY_SECONDS)
            before = accounts.taken({"subject": team.pids})
            hand.tell({"start": time.monotonic() + LEAD_SECONDS})
            sent = hand.hear("result", LONGEST_DRAIN_SECONDS)
            if why := untaken(sent, len(due)):
                raise InstrumentError(f"the broker {why}: see its log.")
            eye.tell({"sent": len(due), "patience": PATIENCE_SECONDS})
            eye.hear("result", LONGEST_DRAIN_SECONDS)
            team.check()
            after = accounts.taken({"subject": team.pids})
        seen = reader.Reading.load(Path(reading.output))
    if why := complaint(seen):
        raise Refuse(f"{team.subject.name} {why}, of {len(due)}.")
    return Burst(moments=seen.moments, cpu_ms=accounts.cpu_ms_each(before, after, len(due))["subject"])


def untaken(sent: Document, count: int) -> str:
    """Say what the broker did not take of so many photos, by the generator's report; empty: it took all."""
    taken = sent["acknowledged"]
    return f"took {taken} of {count} photos ({sent['why'] or 'no answer'})" if taken < count else ""


def complaint(seen: reader.Reading) -> str:
    """Say what is wrong with the answers; empty when each photo has one, and none is a rejection."""
    missing, doubled = int(np.isnan(seen.moments).sum()), int((seen.times > 1).sum())
    rejected = int(seen.rejected.sum())
    counts = (
        ("left {} photos unanswered", missing),
        ("answered {} twice", doubled),
        ("rejected {}", rejected),
    )
    return ", ".join(text.format(count) for text, count in counts if count)
