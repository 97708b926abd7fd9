"""Place names in a caption → the continents that have places of that name."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

from worker.prepare.evidence import tables
from worker.prepare.evidence.likelihood import disagreement, hedged, stream
from worker.prepare.evidence.words import plain
from worker.record import Stream

RELIABILITY: Final = (0.3, 0.5, 0.65, 0.8)
"""By a name's rank, how probable it is that the word means that place, and that the photo was taken there."""

MOST_NAMES: Final = 8
_KNOWN_BY_ITSELF: Final = 2
"""The rank from which a name counts in a caption that has no capitals to tell names from other words."""


def read(caption: str | None) -> Stream | None:
    """The stream of a caption, or None where no place is named.

    Names that contradict each other ("from Paris to Tokyo") make it less trusted.

    >>> read("Market day in Dakar, Senegal").quality
    0.8
    """
    if not caption:
        return None
    found = list(_found(plain(caption)))
    if not found:
        return None
    parts = [stream(weights, RELIABILITY[rank]) for weights, rank in found]
    quality = max(part.quality for part in parts) * (1 - disagreement(parts))
    if len(parts) == 1:
        return stream(parts[0].likelihood, quality)
    return stream([prod(each) for each in zip(*map(hedged, parts), strict=True)], quality)


def _found(words: list[str]) -> Iterator[tuple[tables.Weights, int]]:
    """The weights and rank of each place named, the longest name first, each once."""
    table = tables.names()
    cased = _tells_names_apart(words)
    folded = [word.casefold() for word in words]
    seen: set[str] = set()
    place = 0
    while place < len(words) and len(seen) < MOST_NAMES:
        length, name = _longest(table, folded, place)
        if length:
            weights, rank = table.names[name]
            capital = words[place][0].isupper()
            if name not in seen and (capital if cased else rank >= _KNOWN_BY_ITSELF):
                seen.add(name)
                yield table.weights[weights], rank
        place += max(length, 1)


def _longest(table: tables.Names, folded: list[str], place: int) -> tuple[int, str]:
    for length in range(table.longest.get(folded[place], 0), 0, -1):
        name = " ".join(folded[place : place + length])
        if name in table.names:
            return length, name
    return 0, ""


def _tells_names_apart(words: list[str]) -> bool:
    """Whether the caption has both capitals and words without."""
    return any(word[0].isupper() for word in words) and any(word.islower() for word in words)
