"""A caption as plain words: the same reading for the gazetteer when it is built and when it is used."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 500
"""Characters of a caption that are read: places are named early, and a photo has no time for an essay."""

_MARKS: Final = re.compile("[\u0300-\u036f]+")
_WORD: Final = re.compile(r"[^\W\d_]+")


def plain(text: str) -> list[str]:
    """The words of the beginning of a text, accents taken off, case kept.

    >>> plain("Côte-d'Ivoire, 2019: São Paulo")
    ['Cote', 'd', 'Ivoire', 'Sao', 'Paulo']
    """
    text = text[:LONGEST]
    if not text.isascii():
        # A few characters decompose into many.
        text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))[
            : 2 * LONGEST
        ]
    return _WORD.findall(text)
