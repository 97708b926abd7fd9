"""What a data set leans towards: what a model could learn from it instead of continents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.data.item import Item
from worker.record import DISPLAY_NAMES, SLUGS

FEW_SOURCES = 2
"""Below this a continent cannot be told from its source, and is scored apart."""

LARGE_SHARE = 1 / 3
UNEVEN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """Leanings of the labelled photos, shares of 1; None where there is nothing to divide by.

    `imbalance` is the largest continent's number of photos over the smallest's that has any.
    `largest_source` is the largest source's share. `majority` is how often the commonest continent is right,
    `source_tells` how often the commonest one of the photo's own source is: what a model gets that knows
    nothing but where photos were collected. `gps` is the share of photos with coordinates, by continent.
    `from_metadata` is the share of labels made from metadata, on which metadata cannot be judged.
    """

    imbalance: float | None
    largest_source: float | None
    majority: float | None
    source_tells: float | None
    absent: tuple[str, ...]
    few_sources: tuple[str, ...]
    gps: dict[str, float | None]
    from_metadata: float | None
    looked_at: float | None

    def notes(self) -> Iterator[str]:
        """The leanings that matter, a sentence each."""
        if self.absent:
            yield f"There is no photo of {_names(self.absent)}."
        if self.few_sources:
            yield (
                f"{_names(self.few_sources)}: all photos are of one source, so that the continent cannot be"
                " told from the source; scores list it apart."
            )
        if self.imbalance is not None and self.imbalance >= UNEVEN:
            yield f"The largest continent has {self.imbalance:.0f} times the photos of the smallest."
        if self.largest_source is not None and self.largest_source > LARGE_SHARE:
            yield f"One source gave {self.largest_source:.0%} of the photos."
        if self.source_tells is not None and self.majority is not None and self.source_tells > self.majority:
            yield (
                f"Knowing the source alone names the continent for {self.source_tells:.0%} of the photos, the"
                f" commonest continent for {self.majority:.0%}: measure on sources left out."
            )
        known = [share for share in self.gps.values() if share is not None]
        if known and max(known) - min(known) > LARGE_SHARE:
            yield (
                f"Between {min(known):.0%} and {max(known):.0%} of a continent's photos hold coordinates:"
                " that metadata is there at all tells of the continent."
            )
        if self.from_metadata:
            yield (
                f"{self.from_metadata:.0%} of the labels were made from metadata: leave those photos out when"
                " metadata is judged."
            )
        if self.looked_at is not None and self.looked_at < 1:
            yield f"Nobody has looked whether {1 - self.looked_at:.0%} of the photos are sensitive."


def measure(items: Sequence[Item]) -> Bias:
    """The leanings of a data set's records; those without a label are left out."""
    labelled = [(item, item.continent_label) for item in items if item.continent_label is not None]
    n = len(labelled)
    by_label = Counter(slug for _, slug in labelled)
    by_source: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item, slug in labelled:
        by_source[item.source or ""][slug] += 1
    return Bias(
        imbalance=max(by_label.values()) / min(by_label.values()) if n else None,
        largest_source=_share(max((tells.total() for tells in by_source.values()), default=0), n),
        majority=_share(max(by_label.values(), default=0), n),
        source_tells=_share(sum(max(tells.values()) for tells in by_source.values()), n),
        absent=tuple(slug for slug in SLUGS if not by_label[slug]),
        few_sources=tuple(
            slug
            for slug in SLUGS
            if by_label[slug] and sum(slug in tells for tells in by_source.values()) < FEW_SOURCES
        ),
        gps={
            slug: _share(sum(item.gps_included for item, own in labelled if own == slug), by_label[slug])
            for slug in SLUGS
        },
        from_metadata=_share(sum(item.label_method in {"gps", "metadata"} for item, _ in labelled), n),
        looked_at=_share(sum(item.sensitive is not None for item, _ in labelled), n),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _names(slugs: Sequence[str]) -> str:
    return ", ".join(DISPLAY_NAMES[slug] for slug in slugs)
