"""The highest rate that is kept, by bracketing: up or down until a rate is kept and one fails, then halving.

A function of what it is given: how to probe a rate, what is wrong with a run, whether there is time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

UP: Final = 1.2
DOWN: Final = 0.75
ATTEMPTS: Final = 2
LOWEST: Final = 0.1
"""Photos a second: who fails at this is not looked for any further down."""

_Run = TypeVar("_Run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[_Run]):
    """What a search found: the highest rate `kept` and its run, the lowest that `failed` for good.

    0 and None where no rate was kept, infinity where none failed. `runs` are all in their order; `ended` says
    in words why it went no further.
    """

    kept: float
    best: _Run | None
    failed: float
    runs: tuple[_Run, ...]
    ended: str


def search(
    probe: Callable[[float], _Run],
    complaint: Callable[[_Run], str],
    *,
    start: float,
    resolution: float,
    affordable: Callable[[float, float], bool],
) -> Found[_Run]:
    """Return the highest rate that was kept; a rate fails when two probes of it are complained of.

    Args:
        probe: put this rate on and return the run.
        complaint: what is wrong with a run; empty: nothing.
        start: where to begin, a good guess.
        resolution: how close, as a share of the rate that fails, is close enough.
        affordable: whether there is time for a probe at the first rate when the second is the highest kept.
    """
    kept, best, failed = 0.0, None, math.inf
    runs: list[_Run] = []
    while not (kept and math.isfinite(failed) and failed - kept <= resolution * failed) and failed > LOWEST:
        rate = following(kept, failed, start)
        for _ in range(ATTEMPTS):
            if not affordable(rate, kept):
                ended = f"its time was up, with {_between(kept, failed)}"
                return Found(kept=kept, best=best, failed=failed, runs=tuple(runs), ended=ended)
            run = probe(rate)
            runs.append(run)
            if not complaint(run):
                kept, best = rate, run
                break
        else:
            failed = rate
    ended = f"it had come close enough, with {_between(kept, failed)}"
    return Found(kept=kept, best=best, failed=failed, runs=tuple(runs), ended=ended)


def following(kept: float, failed: float, start: float) -> float:
    """Return the rate to try next, to three digits.

    >>> following(0, math.inf, 80), following(80, math.inf, 80), following(0, 80, 80), following(80, 96, 80)
    (80.0, 96.0, 60.0, 88.0)
    """
    if kept and failed < math.inf:
        rate = (kept + failed) / 2
    elif kept:
        rate = kept * UP
    elif failed < math.inf:
        rate = failed * DOWN
    else:
        rate = start
    return float(f"{rate:.3g}")


def _between(kept: float, failed: float) -> str:
    if not kept:
        return "no rate kept" + (f" and {failed:g} photos a second too many" if failed < math.inf else "")
    if failed == math.inf:
        return f"{kept:g} photos a second kept and no rate too high"
    return f"{kept:g} photos a second kept and {failed:g} too many"
