"""Decoding alone, metadata with it: the worker's own, one thread, photo after photo of a mix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.mixes import photos
from bench.parts.child import Samples, Spec, answer
from bench.parts.names import DECODE
from bench.parts.prepared import preparation
from bench.parts.sample import Sample, Watch
from worker.settings import load


def measure(spec: Spec) -> Samples:
    """Decode again and again; the spec has `mix` (its folder), `seconds` (of a repetition), `repetitions`.

    A repetition is so many whole rounds of the mix, that all of them decode the same.
    """
    turn, mix = preparation(load()), photos(Path(spec["mix"]))
    round_seconds = _round(turn, mix).wall_seconds
    rounds = max(1, round(spec["seconds"] / round_seconds))
    return {DECODE: [_round(turn, mix * rounds) for _ in range(spec["repetitions"])]}


def _round(turn: Callable[[bytes], object], mix: Sequence[bytes]) -> Sample:
    watch = Watch("worker")
    for photo in mix:
        turn(photo)
    return watch.sample(len(mix))


if __name__ == "__main__":
    answer(measure)
