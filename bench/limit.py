"""What this machine could do at most: each part of the path measured alone, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import mixes
from bench.ceilings import ceiling, chosen, fastest, part
from bench.figures import Limit, Part
from bench.parts import decode, engine, kafka, names, served
from bench.parts.child import Samples, Spec, measured
from bench.stand import Stand
from local import engines
from local.install import Meter, silent
from worker.errors import Refuse

STEPS = ("decoding", "the engine in process", "the engine through Triton", "Kafka")

Loads = tuple[tuple[int, int], ...]
"""Requests under way at once, and the photos in each."""

LOADS: Loads = ((1, 1), (2, 1), (4, 1), (8, 1), (2, 8), (4, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often each measurement is repeated, how many seconds a repetition takes, and how Triton is loaded.

    `largest_batch` is the engine's in process, None: as Triton has it. By default all takes a minute.
    """

    repetitions: int = 3
    decode_seconds: float = 1.0
    engine_seconds: float = 0.3
    served_seconds: float = 0.5
    kafka_seconds: float = 1.5
    loads: Loads = LOADS
    largest_batch: int | None = None


def measure(stand: Stand, *, mix: str, effort: Effort | None = None, meter: Meter = silent) -> Limit:
    """Measure every part with the processors that this process may use, and say what they allow.

    Raises:
        Refuse: Kafka and Triton are not ours, a part could not be measured, or there is no such mix.
    """
    if not {"broker", "triton"} <= stand.parties.keys():
        raise Refuse("what Kafka and Triton cost is known of our own alone: leave out --kafka and --triton.")
    cores = stand.machine.cores
    bench = _Bench(stand, mixes.folder(mix, meter), effort or Effort(), meter)
    decoding = bench.decode()
    alone, *batches = bench.engine()
    triton, shared = bench.served()
    transactions, *topics = bench.kafka(cores, decoding.cpu_ms_total + triton[0].cpu_ms_total)
    best = fastest(batches)
    return Limit(
        machine=stand.machine,
        mix=mix,
        cores=cores,
        decode_ms=decoding.wall_ms,
        engine_ms=alone.wall_ms,
        engine_batch=batches.index(best) + 1,
        engine_batch_rate=best.rate,
        triton_rate=fastest(triton).rate,
        triton_shared_memory_rate=fastest(shared).rate,
        ceiling=ceiling(cores, [decoding, triton[0], transactions]),
        shared_memory_ceiling=ceiling(cores, [decoding, shared[0], transactions]),
        bare_ceiling=ceiling(cores, [decoding, best]),
        parts=(decoding, alone, *batches, *triton, *shared, transactions, *topics),
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where and how hard is measured; `mix` is its folder."""

    stand: Stand
    mix: Path
    effort: Effort
    meter: Meter

    def decode(self) -> Part:
        """Decoding, by the worker's own code."""
        found = self._measured(0, decode.__name__, self.effort.decode_seconds, {})
        return part(names.DECODE, "the worker's own, one thread", found[names.DECODE])

    def engine(self) -> list[Part]:
        """The engine in process: one photo after another on one instance; on all, batches of one and more."""
        spec = {
            "repository": str(engines.build(self.meter)),
            "triton": self.stand.triton,
            "largest": self.effort.largest_batch,
        }
        found = dict(self._measured(1, engine.__name__, self.effort.engine_seconds, spec))
        alone = part(names.ALONE, "in process, one instance, photo by photo", found.pop(names.ALONE))
        return [
            alone,
            *(
                part(name, f"in process, instances as in Triton, batches of {size}", samples)
                for size, (name, samples) in enumerate(found.items(), 1)
            ),
        ]

    def served(self) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """The engine through Triton, by gRPC and by shared memory, under every load; the cheapest first."""
        spec = {
            "triton": self.stand.triton,
            "pids": list(self.stand.parties["triton"]),
            "loads": self.effort.loads,
        }
        found = self._measured(2, served.__name__, self.effort.served_seconds, spec)

        def of(way: str, medium: str) -> tuple[Part, ...]:
            return chosen(
                [
                    part(
                        name := names.load(way, requests, photos),
                        f"through Triton by {medium}; requests at once: {requests}, photos in each: {photos}",
                        found[name],
                    )
                    for requests, photos in self.effort.loads
                ],
                way,
            )

        return of(names.GRPC, "gRPC"), of(names.SHARED, "shared memory")

    def kafka(self, cores: float, others_ms: float) -> tuple[Part, ...]:
        """Kafka's transactions beside parts of so much CPU a photo, then producing and consuming."""
        spec = {
            "kafka": self.stand.kafka,
            "pids": list(self.stand.parties["broker"]),
            "partitions": self.stand.partitions,
            "cores": cores,
            "others_ms": others_ms,
        }
        found = self._measured(3, kafka.__name__, self.effort.kafka_seconds, spec)
        what: Mapping[str, str] = {
            names.KAFKA: "consume, produce, commit, as the worker does, at this pace and not faster",
            names.PRODUCE: "photos into Kafka, at full speed",
            names.CONSUME: "photos out of Kafka, at full speed",
        }
        return tuple(part(name, text, found[name]) for name, text in what.items())

    def _measured(self, step: int, module: str, seconds: float, more: Spec) -> Samples:
        self.meter(f"Limit: {STEPS[step]}", step, len(STEPS))
        spec = {"mix": str(self.mix), "repetitions": self.effort.repetitions, "seconds": seconds, **more}
        found = measured(module, spec, log=self.stand.folder / "limit.log")
        self.meter(f"Limit: {STEPS[step]}", step + 1, len(STEPS))
        return found
