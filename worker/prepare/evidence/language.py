"""The language of a photo's text → the continents where it is spoken."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Final

from worker.prepare.evidence import tables
from worker.prepare.evidence.likelihood import stream
from worker.prepare.evidence.words import plain
from worker.record import Stream

_TAG: Final = re.compile(
    r"([a-z]{2,3})(?:[-_][a-z]{3})?(?:[-_][a-z]{4})?(?:[-_]([a-z]{2}))?(?:[-_].*)?", re.ASCII
)
_LONGEST_TAG: Final = 64

_REGION_QUALITY: Final = 0.5
_TAG_QUALITY: Final = 0.4
_CAPTION_QUALITY: Final = 0.25
_ENGLISH_CAPTION_QUALITY: Final = 0.1
"""English is written about photos from everywhere."""
_DEFAULT_QUALITY: Final = 0.2
_DEFAULTS: Final = frozenset({"en", "en-us"})
"""What devices and programs are set to when nobody has chosen."""

SCRIPTS: Final = tuple(
    (re.compile(f"[{letters}]"), language)
    for letters, language in (
        ("\u3040-\u30ff", "ja"),
        ("\uac00-\ud7af", "ko"),
        ("\u4e00-\u9fff", "zh"),
        ("\u0e00-\u0e7f", "th"),
        ("\u0e80-\u0eff", "lo"),
        ("\u1000-\u109f", "my"),
        ("\u1780-\u17ff", "km"),
        ("\u0900-\u097f", "hi"),
        ("\u0980-\u09ff", "bn"),
        ("\u0b80-\u0bff", "ta"),
        ("\u0c00-\u0c7f", "te"),
        ("\u0600-\u06ff", "ar"),
        ("\u0590-\u05ff", "he"),
        ("\u0370-\u03ff", "el"),
        ("\u10a0-\u10ff", "ka"),
        ("\u0530-\u058f", "hy"),
        ("\u1200-\u137f", "am"),
        ("\u0400-\u04ff", "ru"),
    )
)
"""Scripts, and the language most written in each."""

_KANA: Final = "ja"
"""One letter of it tells Japanese, which is written in Han letters for the most part."""

COMMON_WORDS: Final = {
    "en": "the of and in at with on from to is a our",
    "es": "el la los las de en y con del una un por",
    "pt": "o os as da do das dos em na no com uma um ao",
    "fr": "le la les des du et dans au aux une un sur avec",
    "de": "der die das und im am mit von auf ein eine bei",
    "it": "il lo gli della di del con nel una un per che",
    "nl": "de het een van en op met bij naar in voor",
    "pl": "w z na i nad pod przy przez jest nie sie",
    "tr": "ve bir bu ile icin da de cok en gibi",
    "id": "di dan yang dari ke dengan ini untuk pada",
    "vi": "o cua va la trong tren mot nhung cho",
    "sv": "och i pa en ett med av till fran det",
}
"""The commonest words of languages in Latin letters, accents taken off."""

_LEAST_HITS: Final = 2


def read(tag: str | None, caption: str | None) -> Stream | None:
    """The stream of the language, by its tag or else by the caption's own; None where neither is known.

    Args:
        tag: by BCP 47, such as pt-BR; the region counts before the language.
        caption: any text.

    >>> read("pt-BR", None).quality
    0.5
    """
    stated = None if tag is None else _of_tag(tag[:_LONGEST_TAG].strip().lower())
    if stated is not None or not caption:
        return stated
    language = detect(caption)
    weights = None if language is None else tables.places().languages.get(language)
    if weights is None:
        return None
    return stream(weights, _ENGLISH_CAPTION_QUALITY if language == "en" else _CAPTION_QUALITY)


def _of_tag(tag: str) -> Stream | None:
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    language, region = match[1], match[2]
    table = tables.places()
    weights = table.countries.get(region.upper()) if region else None
    quality = _REGION_QUALITY
    if weights is None:
        weights, quality = table.languages.get(language), _TAG_QUALITY
    if weights is None:
        return None
    return stream(weights, _DEFAULT_QUALITY if tag.replace("_", "-") in _DEFAULTS else quality)


def detect(text: str) -> str | None:
    """The language of a text by its script, or by its commonest words; None where that does not decide.

    >>> detect("夕方の東京の駅"), detect("A street in the rain with the dog"), detect("IMG 0042")
    ('ja', 'en', None)
    """
    words = plain(text)
    letters = "".join(words)
    if not letters.isascii():
        for script, language in SCRIPTS:
            share = len(script.findall(letters)) / len(letters)
            if share > (0 if language == _KANA else 0.5):
                return language
    hits = Counter(name for word in {word.casefold() for word in words} for name in _speakers().get(word, ()))
    ranked = [*hits.most_common(2), ("", 0), ("", 0)]
    (best, most), (_, second) = ranked[:2]
    return best if most >= _LEAST_HITS and most > second else None


@cache
def _speakers() -> dict[str, tuple[str, ...]]:
    """The languages in which each common word is common."""
    lists = {name: words.split() for name, words in COMMON_WORDS.items()}
    every = {word for words in lists.values() for word in words}
    return {word: tuple(name for name, words in lists.items() if word in words) for word in every}
