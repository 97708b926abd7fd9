"""What the benches find out, by the names that their JSON files have: frozen values.

Units are in the names: `_ms` milliseconds, `_us` microseconds, rates and ceilings in photos a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What it ran on: without it no figure means anything. `precision` is the engine's.

    `cores` are the processors that could be used: those allowed, or as many as `quota` grants, if that is
    less; `quota` (processors' time a second, by control groups) is None where there is none.
    """

    cores: float
    processor: str
    memory_gib: float
    system: str
    python: str
    precision: str
    commit: str
    at: str
    quota: float | None = None

    @property
    def cores_said(self) -> str:
        """How many cores in words, and whether it is the quota that makes it so many."""
        by = " by a quota" if self.quota == self.cores else ""
        return f"{self.cores:g} core{'' if self.cores == 1 else 's'}{by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the path measured alone, a photo: wall time, CPU by process, and how both varied.

    `cpu_ms` maps process to CPU milliseconds a photo; the spreads are the lowest and highest repetition,
    that of the CPU over all processes together.
    """

    name: str
    what: str
    photos: int
    wall_ms: float
    wall_ms_spread: tuple[float, float]
    cpu_ms: Mapping[str, float]
    rate: float
    cpu_ms_spread: tuple[float, float] | None = None

    @property
    def cpu_ms_total(self) -> float:
        """CPU milliseconds a photo, all processes together."""
        return sum(self.cpu_ms.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What this machine could do at most (`pangaea bench limit`).

    `engine_batch` is the batch size at which the engine in process is fastest, `engine_batch_rate` its photos
    a second there; `triton_rate` and `triton_shared_memory_rate` are those under the best load of each.
    `ceiling` asks Triton by gRPC, `shared_memory_ceiling` through shared memory, `bare_ceiling` not at all.
    """

    machine: Machine
    mix: str
    cores: float
    decode_ms: float
    engine_ms: float
    engine_batch: int
    engine_batch_rate: float
    triton_rate: float
    triton_shared_memory_rate: float
    ceiling: float
    bare_ceiling: float
    parts: tuple[Part, ...]
    shared_memory_ceiling: float | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of a photo's way, from the records' own timing."""

    name: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """One open-loop run at one rate (`pangaea bench latency`), warm-up cut off.

    `sent` and `received` count photos after the warm-up; latency runs from the intended send time to the
    moment at which a read_committed consumer has the record, and is of photos that were answered, not
    rejected. `rate` is what was asked for, sent ÷ seconds what chance made of it, `throughput` how many came
    out a second. `valid` is False when the generator fell behind or the run is otherwise not what it claims
    to be; `why` says so. Of all photos, those of the warm-up as well, `lost` ones were sent and never came
    out, `doubled` ones came out more than once; `ended_early`: it was given up, for too many were waiting.
    `histogram` is (milliseconds, count), the upper edge of each bucket that is not empty. `cpu_ms_per_photo`
    is by process, over the same window.
    """

    subject: str
    machine: Machine
    mix: str
    workers: int
    rate: float
    seconds: float
    warm_up_seconds: float
    seed: int
    sent: int
    received: int
    throughput: float
    profile: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    late: int
    rejected: int
    generator_lag_ms: float
    generator_lag_max_ms: float
    valid: bool
    why: str
    stages: tuple[Stage, ...]
    histogram: tuple[tuple[float, int], ...]
    cpu_ms_per_photo: Mapping[str, float]
    memory_mib: Mapping[str, float]
    lost: int = 0
    doubled: int = 0
    ended_early: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """The highest rate that so many workers keep with p99 ≤ 200 ms and nothing lost.

    `max_rate` is what was really sent a second in the best run, which chance makes a little more or less than
    was asked for. `ratio` = max_rate ÷ ceiling; `bare_ratio` = max_rate ÷ bare_ceiling; `cpu_ratio` = the
    parts' CPU ÷ the CPU really spent a photo at the highest rate kept, both by worker and Triton (the broker
    is listed apart). `probes` are the runs of the search in their order, `at_80_percent` one more at 80% of
    the highest rate. `too_high` is the lowest rate that was not kept: the highest kept is as fine as the
    distance; `ended` says why no finer.
    """

    workers: int
    max_rate: float
    ceiling: float
    bare_ceiling: float
    ratio: float
    bare_ratio: float
    cpu_ratio: float
    cpu_ms_per_photo: Mapping[str, float]
    probes: tuple[Latency, ...]
    at_80_percent: Latency
    too_high: float | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The search for each number of workers (`pangaea bench sweep`), and the limit measured in the same run.

    `nothing_kept` says of the numbers of workers that kept no rate why not; `core_hours_per_million` is what
    a million photos cost, by arithmetic from the CPU account; `core_hours_reserved_per_million` is what they
    cost who pays for the machine by the hour: its cores for as long as they take at `max_rate`.
    """

    machine: Machine
    mix: str
    limit: Limit
    sustained: tuple[Sustained, ...]
    nothing_kept: Mapping[str, str]
    core_hours_per_million: float
    core_hours_reserved_per_million: float

    def document(self) -> dict[str, Any]:
        """As JSON: one worker's figures at the top level, null where it has none; all under `workers`."""
        each = {str(found.workers): asdict(found) for found in self.sustained}
        first = each.get("1") or dict.fromkeys(each[str(self.sustained[0].workers)])
        first = {name: value for name, value in first.items() if name != "probes"}
        return {
            "machine": asdict(self.machine),
            "mix": self.mix,
            **first,
            "core_hours_per_million": self.core_hours_per_million,
            "core_hours_reserved_per_million": self.core_hours_reserved_per_million,
            "workers": each,
            "nothing_kept": self.nothing_kept,
            "limit": self.limit.document(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One contender on the same job in the same run (`pangaea bench peers`).

    `rate` is the median of `rates` (photos a second at saturation), `p99_ms` the median of `p99s_ms` at
    `p99_rate`, one open-loop rate for all, each of so many `p99_photos`; `overhead_us` the CPU of the
    contender's own processes a record with the engine that answers constants, less that of decoding: below
    zero, it is noise. `guarantees` is one line; delivery, order and bounds say it at length.
    """

    name: str
    version: str
    guarantees: str
    delivery: str
    order: str
    bounds: str
    rate: float
    rates: tuple[float, ...]
    p99_rate: float
    p99_ms: float
    p99s_ms: tuple[float, ...]
    p99_photos: tuple[int, ...]
    overhead_us: float
    overheads_us: tuple[float, ...]


PEERS_SHARE: Final = ("machine", "mix", "notes")
"""What the contenders of one run have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """All contenders of one run, one at least; `notes` say how it was measured, and who fell out why."""

    machine: Machine
    mix: str
    peers: tuple[Peer, ...]
    notes: tuple[str, ...] = field(default=())

    def document(self) -> list[dict[str, Any]]:
        """As JSON: a list of contenders; machine, mix and notes are the same in each."""
        common = asdict(self)
        return [{**peer, **{name: common[name] for name in PEERS_SHARE}} for peer in common["peers"]]
