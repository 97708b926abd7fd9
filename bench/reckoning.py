"""From what the instruments saw to figures: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.arrivals import Seconds
from bench.figures import Stage
from bench.histogram import Histogram
from bench.reader import Reading

LAG_LIMIT_MS: Final = 10.0
"""A generator whose p99 lag is above this did not keep its own schedule: the run is not what it claims."""

REJECTED_SHARE: Final = 0.01
"""More than this rejected, and p99 is only that of who was lucky."""

STAGES: Final = ("queue", "decode", "infer", "publish", "commit")
"""`publish` is from answered to produced, in order; `commit` from produced to read, and from due to sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What the generator reported; `ended_early` says why it was told to stop before the end."""

    sent: int
    acknowledged: int
    why: str
    lag_p99_ms: float
    lag_max_ms: float
    ended_early: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the photos: `latencies` in seconds, shape (received − rejected,), of those answered.

    `sent`, `received`, `late` and `rejected` are of those due in the window; `lost` and `doubled` of all that
    were sent, for a photo is not to be lost while it is warm only.
    """

    sent: int
    received: int
    lost: int
    doubled: int
    late: int
    rejected: int
    latencies: Seconds
    stages: tuple[Stage, ...]


def outcome(due: Seconds, sent: int, reading: Reading, *, start: float, warm_up: float) -> Outcome:
    """Return what became of the photos; one that was never sent does not count.

    Args:
        due: when each was due, after the start.
        sent: how many were sent, the first ones.
        reading: what came out, by number.
        start: the run's start on the clock of the reading.
        warm_up: seconds that are cut off.
    """
    counted = np.zeros(len(due), np.bool_)
    counted[:sent] = due[:sent] >= warm_up
    came = counted & (reading.times > 0)
    answered = came & ~reading.rejected
    latencies = (reading.moments - start - due)[answered]
    return Outcome(
        sent=int(counted.sum()),
        received=int(came.sum()),
        lost=int((reading.times[:sent] == 0).sum()),
        doubled=int((reading.times > 1).sum()),
        late=int(reading.late[came].sum()),
        rejected=int(reading.rejected[came].sum()),
        latencies=latencies,
        stages=stages(latencies * 1000, reading.timing[answered]),
    )


def stages(latencies_ms: Seconds, timing: npt.NDArray[np.float32]) -> tuple[Stage, ...]:
    """Return each stretch of the way, from records that tell of theirs: `timing` as in Reading, (photos, 4).

    Records tell of their time from the photo's Kafka timestamp on, which has whole milliseconds.
    """
    told = ~np.isnan(timing).any(axis=1)
    if not told.any():
        return ()
    queue, decode, infer, total = timing[told].astype(np.float64).T
    stretches = (queue, decode, infer, total - queue - decode - infer, latencies_ms[told] - total)
    return tuple(
        Stage(
            name=name,
            p50_ms=round(float(np.percentile(stretch, 50)), 3),
            p99_ms=round(float(np.percentile(stretch, 99)), 3),
        )
        for name, stretch in zip(STAGES, stretches, strict=True)
    )


def histogram(latencies: Seconds) -> Histogram:
    """Return the latencies (seconds) as a histogram."""
    counts = Histogram()
    counts.update(latencies.tolist())
    return counts


def faults(sending: Sending, found: Outcome) -> str:
    """Say why a run is not what it claims to be; empty when it is."""
    reasons = []
    if sending.ended_early:
        reasons.append(sending.ended_early)
    if sending.lag_p99_ms > LAG_LIMIT_MS:
        reasons.append(
            f"the generator fell behind: p99 of its lag was {sending.lag_p99_ms:.1f} ms"
            f" (limit {LAG_LIMIT_MS:.0f}), at most {sending.lag_max_ms:.1f}"
        )
    if sending.acknowledged < sending.sent:
        reasons.append(
            f"the broker did not take {sending.sent - sending.acknowledged} of {sending.sent} photos"
            f" ({sending.why or 'no answer'})"
        )
    if found.doubled:
        reasons.append(f"{found.doubled} photos came out more than once: who else answers them?")
    if found.rejected > REJECTED_SHARE * found.received:
        reasons.append(f"{found.rejected} photos were rejected: a p99 of the others says nothing of them")
    if found.lost:
        reasons.append(f"{found.lost} photos did not come out: how late they would have been is unknown")
    if not found.received:
        reasons.append("nothing came out after the warm-up")
    return "; ".join(reasons)
