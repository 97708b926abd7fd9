"""Invented figures that look like measured ones: seeded, so that a page of them is the same each time."""

from __future__ import annotations

import numpy as np

from bench.figures import Latency, Limit, Machine, Part, Peer, Peers, Stage, Sustained, Sweep

MACHINE = Machine(
    cores=2,
    processor="Invented Processor <9000> @ 2.00GHz",
    memory_gib=7.8,
    system="Linux 6.1.0",
    python="3.11.2",
    precision="bf16",
    commit="0123abc-dirty",
    at="2026-11-21T12:00:00+00:00",
)
CEILING = 104.0
BARE = 196.0


def _part(name: str, what: str, wall_ms: float, **cpu_ms: float) -> Part:
    return Part(
        name=name,
        what=what,
        photos=2000,
        wall_ms=wall_ms,
        wall_ms_spread=(0.94 * wall_ms, 1.09 * wall_ms),
        cpu_ms=cpu_ms,
        cpu_ms_spread=(0.97 * sum(cpu_ms.values()), 1.04 * sum(cpu_ms.values())),
        rate=1000 / wall_ms,
    )


def limit(mix: str = "512px") -> Limit:
    """What the machine could do."""
    return Limit(
        machine=MACHINE,
        mix=mix,
        cores=2,
        decode_ms=4.21,
        engine_ms=9.87,
        engine_batch=8,
        engine_batch_rate=171.3,
        triton_rate=96.4,
        triton_shared_memory_rate=108.2,
        ceiling=CEILING,
        bare_ceiling=BARE,
        shared_memory_ceiling=1.1 * CEILING,
        parts=(
            _part("decode", "JPEG to a 260 × 260 square, one thread", 4.21, worker=4.18),
            _part("engine_alone", "in process, one instance, photo by photo", 9.87, engine=10.2),
            _part("engine_1", "in process, one photo at a time", 9.87, engine=10.9),
            _part("engine_8", "in process, batches of 8", 5.84, engine=5.9),
            _part("triton", "over gRPC, 8 in flight", 10.37, worker=1.3, triton=11.2),
            _part("triton_shared_memory", "shared memory, 8 in flight", 9.24, worker=0.9, triton=10.6),
            _part("kafka", "consume, produce, commit in transactions", 1.74, worker=1.24, broker=1.31),
        ),
    )


def latency(
    rate: float = 80.0,
    *,
    workers: int = 1,
    seed: int = 7,
    valid: bool = True,
    subject: str = "pangaea",
    seconds: float = 30.0,
) -> Latency:
    """One run: a lognormal that grows as the rate comes near to what so many workers can do."""
    load = min(1.0, rate / (98.0 if workers == 1 else 101.0))
    random = np.random.default_rng([seed, int(rate * 10), workers])
    sent = int(rate * seconds)
    values = 12 + random.lognormal(np.log(11 / (1.02 - load) ** 0.5), 0.3 + 0.15 * load, sent)
    # Beyond what it can do the queue grows as long as the run lasts.
    values += 1000 * max(0.0, 1 - 98 / rate) * np.linspace(0, seconds, sent)
    edges, counts = np.unique(np.ceil(values * 50) / 50, return_counts=True)
    p50, p90, p99, p999 = np.percentile(values, [50, 90, 99, 99.9])
    stages = (
        Stage(name="queue", p50_ms=0.16 * p50, p99_ms=0.4 * p99),
        Stage(name="decode", p50_ms=4.4, p99_ms=9.8),
        Stage(name="infer", p50_ms=0.38 * p50, p99_ms=0.62 * p99),
        Stage(name="publish", p50_ms=0.12 * p50, p99_ms=0.28 * p99),
        Stage(name="commit", p50_ms=0.17 * p50, p99_ms=0.3 * p99),
    )
    flooded = rate > 102
    why = "it was given up after 11 s, when 530 photos were waiting" if flooded else ""
    if not valid:
        why = "the generator fell behind: p99 of its lag was 31.2 ms (limit 10), at most 312.0"
    return Latency(
        subject=subject,
        machine=MACHINE,
        mix="512px",
        workers=workers,
        rate=rate,
        seconds=seconds,
        warm_up_seconds=5.0,
        seed=seed,
        sent=sent,
        received=sent,
        throughput=sent / seconds,
        profile="latency",
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        p999_ms=float(p999),
        max_ms=float(values.max()),
        late=int((values > 200).sum()),
        rejected=0,
        generator_lag_ms=0.42,
        generator_lag_max_ms=3.1,
        valid=valid and not flooded,
        why=why,
        ended_early=flooded,
        stages=stages,
        histogram=tuple((float(edge), int(times)) for edge, times in zip(edges, counts, strict=True)),
        cpu_ms_per_photo={
            "worker": 6.9 + 0.2 * workers,
            "triton": 11.0,
            "broker": 1.6 + 0.1 * workers,
            "generator": 0.9,
            "reader": 0.5,
        },
        memory_mib={"worker": 181.0 * workers, "triton": 412.0, "broker": 605.0},
    )


def sustained(workers: int) -> Sustained:
    """The search for so many workers: it brackets, repeats what failed, and ends."""
    rates = (
        (60.0, 120.0, 120.0, 90.0, 105.0, 105.0, 97.0, 97.0, 93.0)
        if workers == 1
        else (80.0, 130.0, 97.0, 99.0)
    )
    probes = tuple(latency(rate, workers=workers, seed=index) for index, rate in enumerate(rates))
    best = max(probe.rate for probe in probes if probe.p99_ms <= 200)
    at_80 = latency(0.8 * best, workers=workers, seed=99)
    return Sustained(
        workers=workers,
        max_rate=best,
        ceiling=CEILING,
        bare_ceiling=BARE,
        ratio=best / CEILING,
        bare_ratio=best / BARE,
        cpu_ratio=0.958 - 0.02 * workers,
        cpu_ms_per_photo=at_80.cpu_ms_per_photo,
        probes=probes,
        at_80_percent=at_80,
        too_high=1.02 * best,
        ended=f"it had come close enough, with {best:g} kept and {1.02 * best:.1f} not",
    )


def sweep(*workers: int) -> Sweep:
    """One search for each number of workers, 1 and 2 unless said otherwise."""
    return Sweep(
        machine=MACHINE,
        mix="512px",
        limit=limit(),
        sustained=tuple(sustained(each) for each in workers or (1, 2)),
        nothing_kept={"4": "no rate was kept by 4 worker(s)"},
        core_hours_per_million=5.42,
        core_hours_reserved_per_million=10.68,
    )


def peer(name: str, rate: float, p99_ms: float, overhead_us: float, guarantees: str) -> Peer:
    """A contender whose three repetitions lie some percent apart."""
    return Peer(
        name=name,
        version="1.2.3",
        guarantees=guarantees,
        delivery=f"{guarantees}: what becomes of a photo when it is killed",
        order="by partition",
        bounds="photos and bytes in flight",
        rate=rate,
        rates=(0.96 * rate, rate, 1.05 * rate),
        p99_rate=40.0,
        p99_ms=p99_ms,
        p99s_ms=(0.9 * p99_ms, p99_ms, 1.3 * p99_ms),
        p99_photos=(497, 512, 503),
        overhead_us=overhead_us,
        overheads_us=(0.97 * overhead_us, overhead_us, 1.02 * overhead_us),
    )


def peers() -> Peers:
    """All contenders."""
    return Peers(
        machine=MACHINE,
        mix="512px",
        peers=(
            peer(
                "pangaea",
                93.1,
                71.0,
                812,
                "exactly once, in order, bounded; what fails is rejected with a reason",
            ),
            peer("plain", 41.2, 98.0, 655, "at least once, in order"),
            peer("quix-exactly-once", 38.7, 263.0, 2140, "exactly once, in order"),
            peer("faststream", 74.9, 88.0, 1890, "none at a crash, no order"),
            peer("arroyo", 69.3, 412.0, 1505, "at least once, in order; what cannot be processed ends it"),
        ),
        notes=("3 rounds, every other one in reverse order.",),
    )
