"""When each photo of a run is due: a Poisson process, drawn before anything is sent. Pure functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
"""Moments in seconds after the start of a run, float64, shape (photos,), rising."""

_SPARE = 6.0
"""Standard deviations by which the first draw exceeds the mean: it nearly always suffices."""


def intended(rate: float, seconds: float, seed: int) -> Seconds:
    """Return the moments at which photos are due: independent exponential gaps of mean 1 ÷ `rate`.

    A longer run of the same rate and seed begins with the shorter one; twice the rate is the same draw at
    half the distance. Source: Kingman, Poisson Processes (1993), section 4.1.

    >>> intended(2.0, 3.0, seed=2).round(2).tolist()
    [0.06, 0.17, 0.43, 0.78, 1.39, 2.06, 2.19, 2.27, 2.53, 2.81]
    """
    generator = np.random.default_rng(seed)
    expected = rate * seconds
    gaps = generator.standard_exponential(int(expected + _SPARE * expected**0.5) + 1)
    moments = np.cumsum(gaps) / rate
    while moments[-1] < seconds:
        gaps = np.concatenate([gaps, generator.standard_exponential(len(gaps))])
        moments = np.cumsum(gaps) / rate
    return moments[moments < seconds]


def partitions(count: int, width: int, *, seed: int | None = None) -> npt.NDArray[np.int64]:
    """Return the partition of each photo: in turn, or with a seed at random as keys would spread them.

    >>> partitions(5, 3).tolist()
    [0, 1, 2, 0, 1]
    """
    if seed is None:
        return np.arange(count, dtype=np.int64) % width
    # Another stream than the moments': one seed must not tie where a photo goes to when it is due.
    return np.random.default_rng([seed, 1]).integers(width, size=count)
