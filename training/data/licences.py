"""What kind of licence a photo has, by its publisher's words, and the mix that a data set aims at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from training.data.item import Item

Family = Literal["open", "stock", "contributed", "restricted", "unknown"]

TARGET: Final[Mapping[str, float]] = {"open": 0.60, "stock": 0.30, "contributed": 0.10}
"""The mix aimed at: openly licensed, under a stock site's free licence, given for this with consent."""

# The first that matches decides: "CC BY-NC" is no open licence, and "CC0 (Pexels)" no stock licence.
_FAMILIES: Final[tuple[tuple[Family, re.Pattern[str]], ...]] = (
    (
        "restricted",
        re.compile(r"\bN[CD]\b|non.?commercial|no.?deriv|all rights reserved|editorial", re.IGNORECASE),
    ),
    (
        "open",
        re.compile(r"\bCC\b|\bCC0|creative commons|public domain|\bPDM?\b|\bCDLA\b|\bODbL\b", re.IGNORECASE),
    ),
    ("stock", re.compile(r"unsplash|pexels|pixabay|shutterstock|getty|\bstock\b", re.IGNORECASE)),
    ("open", re.compile(r"\b(?:MIT|BSD|Apache)\b", re.IGNORECASE)),
)


def family(item: Item) -> Family:
    """The family of a photo's licence: by its consent first, then by the licence's words."""
    if item.consent_basis == "consent":
        return "contributed"
    return family_of(item.license)


def family_of(licence: str) -> Family:
    """The family of a licence.

    >>> family_of("CC BY-SA 4.0"), family_of("CC BY-NC 4.0"), family_of("Pexels License"), family_of("mine")
    ('open', 'restricted', 'stock', 'unknown')
    """
    return next((name for name, words in _FAMILIES if words.search(licence)), "unknown")
