"""What a classifier said of photos whose truth is known: the one form in which everything here is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker.record import SLUGS

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]
Mask = npt.NDArray[np.bool_]

LEAST_SOURCES = 2
"""A continent that one source alone shows cannot be told from the look of that source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """n photos: `label` (n,) indexes `worker.record.SLUGS`; `group` and `source` (n,) are what they share.

    A group is a trip, a place or a photographer; a source is where photos were collected from.
    """

    label: Labels
    group: Names
    source: Names

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: Mask | Labels) -> Truth:
        """The photos of these rows, in their order."""
        return Truth(label=self.label[rows], group=self.group[rows], source=self.source[rows])

    @property
    def sources(self) -> int:
        """How many sources there are."""
        return len(np.unique(self.source))

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.group))

    @property
    def judged(self) -> tuple[int, ...]:
        """The continents that macro scores are over: those that at least two sources show.

        Where all photos have one source nothing can be held against another: then all that occur.

        >>> label, source = np.array([0, 0, 2, 2]), np.array(["a", "b", "a", "a"])
        >>> Truth(label=label, group=source, source=source).judged
        (0,)
        """
        least = min(LEAST_SOURCES, self.sources)
        occurring = (int(one) for one in np.unique(self.label))
        return tuple(one for one in occurring if len(np.unique(self.source[self.label == one])) >= least)

    @property
    def apart(self) -> tuple[int, ...]:
        """The continents that occur and are not judged."""
        judged = self.judged
        return tuple(int(one) for one in np.unique(self.label) if int(one) not in judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was said of the photos of `truth`.

    `p` (n, 7): probabilities, each row sums to 1. `sureness` (n,): by which photos are ranked when only some
    are to be called; the lower bound of the most probable continent, or its probability where there is no
    interval. `sets` (n, 7): the conformal sets; `called` (n,): whether a continent was called at all. None
    where the classifier has no such thing.

    Raises:
        ValueError: the shapes do not fit each other.
    """

    truth: Truth
    p: Matrix
    sureness: Matrix
    sets: Mask | None = None
    called: Mask | None = None

    def __post_init__(self) -> None:
        n = len(self.truth)
        if self.p.shape != (n, len(SLUGS)) or self.sureness.shape != (n,):
            raise ValueError(f"{n} photos need probabilities ({n}, {len(SLUGS)}) and a sureness ({n},)")
        if self.sets is not None and self.sets.shape != self.p.shape:
            raise ValueError("the sets are not of the probabilities' shape")
        if self.called is not None and self.called.shape != (n,):
            raise ValueError("called is not one for each photo")

    @classmethod
    def plain(cls, truth: Truth, p: Matrix) -> Answers:
        """Answers of a classifier that has probabilities only."""
        return cls(truth=truth, p=p, sureness=p.max(axis=1))

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: Mask | Labels) -> Answers:
        """The answers of these rows, in their order."""
        return Answers(
            truth=self.truth.take(rows),
            p=self.p[rows],
            sureness=self.sureness[rows],
            sets=None if self.sets is None else self.sets[rows],
            called=None if self.called is None else self.called[rows],
        )

    @property
    def right(self) -> Mask:
        """Whether the most probable continent is the true one, shape (n,)."""
        return np.asarray(self.p.argmax(axis=1) == self.truth.label)

    @property
    def confidence(self) -> Matrix:
        """The probability of the most probable continent, shape (n,)."""
        return np.asarray(self.p.max(axis=1))

    @property
    def of_truth(self) -> Matrix:
        """The probability of the true continent, shape (n,)."""
        return np.asarray(self.p[np.arange(len(self)), self.truth.label])
