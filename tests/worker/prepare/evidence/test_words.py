"""Time zones, languages and captions → continents."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.prepare.evidence.photographed import NOON
from worker.prepare.evidence import caption, language, tables, timezone
from worker.prepare.evidence.words import LONGEST, plain
from worker.record import SLUGS, Stream


def likeliest(stream: Stream | None) -> str | None:
    """The continent for which the evidence speaks most; None where it does not speak."""
    return None if stream is None else SLUGS[stream.likelihood.index(max(stream.likelihood))]


@pytest.mark.parametrize(
    ("zone", "slug"),
    [
        ("Europe/Paris", "europe"),
        ("europe/paris", "europe"),
        (" Asia/Calcutta ", "asia"),
        ("US/Pacific", "north-america"),
        ("Indian/Reunion", "africa"),
        ("America/Cayenne", "south-america"),
        ("Pacific/Honolulu", "oceania"),
        ("Atlantic/Canary", "africa"),
        ("Iceland", "europe"),
        ("Atlantic/Reykjavik", "europe"),
        ("Antarctica/McMurdo", "antarctica"),
        ("Antarctica/South_Pole", "antarctica"),
        ("UTC+05:30", "asia"),
        ("GMT-8", "north-america"),
        ("+0900", "asia"),
    ],
)
def test_zones(zone: str, slug: str) -> None:
    """Names new and old, in any case, and offsets."""
    assert likeliest(timezone.read(zone, None)) == slug


@pytest.mark.parametrize(
    "zone", [None, "", "UTC", "GMT", "Etc/GMT+3", "UTC+0", "UTC+99:99", "Mars/Olympus", "+" * 9999, "٣"]
)
def test_zones_that_say_nothing(zone: str | None) -> None:
    """UTC is no place, and neither is what no database knows."""
    assert timezone.read(zone, NOON) is None


def test_a_zone_of_two_continents_speaks_for_both() -> None:
    """Turkey and the Urals: at least a tenth each."""
    for zone in ("Europe/Istanbul", "Asia/Yekaterinburg"):
        stream = timezone.read(zone, None)
        assert stream is not None
        assert min(stream.likelihood[SLUGS.index(slug)] for slug in ("asia", "europe")) > 0.1


@pytest.mark.parametrize(
    ("tag", "slug"),
    [
        ("pt-BR", "south-america"),
        ("pt_PT", "europe"),
        ("zh-Hans-CN", "asia"),
        ("ja", "asia"),
        ("sw", "africa"),
        ("EN-au", "oceania"),
        ("fr-ca", "north-america"),
        ("de", "europe"),
        ("ru", "europe"),
        ("sr-Latn-RS-x-private", "europe"),
    ],
)
def test_language_tags(tag: str, slug: str) -> None:
    """The region before the language, in any spelling."""
    assert likeliest(language.read(tag, None)) == slug


@pytest.mark.parametrize("tag", ["", "x", "xx", "12", "en-", "e" * 5000, "pt BR", "\u202e"])
def test_language_tags_that_say_nothing(tag: str) -> None:
    """Malformed and unknown ones are no evidence, or that of what could be read."""
    stream = language.read(tag, None)
    assert stream is None or tag == "en-"


def test_english_is_written_everywhere() -> None:
    """The default of devices is trusted least of all, and a caption in English less than one in Japanese."""
    english, american, british = (language.read(tag, None) for tag in ("en", "en-US", "en-GB"))
    assert english is not None
    assert american is not None
    assert british is not None
    assert max(english.quality, american.quality) < british.quality
    said, gesagt = (
        language.read(None, text) for text in ("The dog in the rain", "Der Hund und die Katze im Regen")
    )
    assert said is not None
    assert gesagt is not None
    assert said.quality < gesagt.quality


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("夕方の東京の駅", "ja"),
        ("北京的街道", "zh"),
        ("서울의 밤", "ko"),
        ("Улица в Москве", "ru"),
        ("Ένα νησί", "el"),
        ("شارع في القاهرة", "ar"),
        ("सड़क पर", "hi"),
        ("La plaza de los pueblos y el mar", "es"),
        ("Uma rua do centro com os amigos", "pt"),
        ("Le marché aux poissons dans la rue", "fr"),
        ("Der Markt und die Kirche im Dorf", "de"),
        ("A fisherman with the boat on the lake", "en"),
        ("Sonne und Meer", None),
        ("IMG 0042", None),
        ("", None),
        ("Paris", None),
    ],
)
def test_the_language_of_a_text(text: str, name: str | None) -> None:
    """By its script, or by its commonest words; short texts and names are of no language."""
    assert language.detect(text) == name


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Market day in Dakar, Senegal", "africa"),
        ("Gletscher bei Zürich", "europe"),
        ("São Paulo à noite", "south-america"),
        ("Côte d'Ivoire, près d’Abidjan", "africa"),
        ("A walk through New York City in June", "north-america"),
        ("Sunset over Uluru", "oceania"),
        ("Penguins on the Antarctic Peninsula", "antarctica"),
        ("Straße in MÜNCHEN am Abend", "europe"),
        ("Дворец, Москва", "europe"),
        ("LONDON BRIDGE", "europe"),
        ("paris, france", "europe"),
        ("#tokyo #japan", "asia"),
        ("Windhoek in Namibia", "africa"),
        ("Houses in Papua New Guinea", "oceania"),
        ("Conakry, Guinea", "africa"),
    ],
)
def test_place_names(text: str, slug: str) -> None:
    """The longest name counts, accents and hyphens or not, in capitals or none."""
    assert likeliest(caption.read(text)) == slug


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Nice view of the river",
        "my best time in the bath",
        "Reading a book about an orange split",
        "turkey sandwich with jam",
        "Victoria and Jackson at home",
        "IMG_20240601_120000",
        "Canon EOS",
        "\0\ud800",
    ],
)
def test_captions_that_name_no_place(text: str | None) -> None:
    """Common words, given names and numbers."""
    assert caption.read(text) is None


def test_a_name_of_two_continents_speaks_for_both() -> None:
    """Georgia evenly; Santiago for Chile before the Dominican Republic."""
    for text, slugs in (
        ("Evening in Georgia", ("asia", "north-america")),
        ("From Santiago", ("north-america",)),
    ):
        stream = caption.read(text)
        assert stream is not None
        assert min(stream.likelihood[SLUGS.index(slug)] for slug in slugs) > 0.05


def test_names_that_contradict_each_other_are_doubted() -> None:
    """A journey is trusted less than a place, and a place named with its country more than one without."""
    journey, place = caption.read("From Paris to Tokyo"), caption.read("A street in Paris")
    country = caption.read("A street in Paris, France")
    assert journey is not None
    assert place is not None
    assert country is not None
    assert journey.quality < place.quality < country.quality


def test_captions_are_read_from_their_beginning() -> None:
    """An essay costs what its beginning does."""
    essay = "word " * (LONGEST // 5) + "Paris, France"
    assert caption.read(essay) is None
    assert len("".join(plain("\ufdfa" * 20_000))) <= 2 * LONGEST


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=600))
def test_whatever_the_text_it_never_raises(text: str) -> None:
    """As caption, language tag and time zone."""
    for stream in (caption.read(text), language.read(text, text), timezone.read(text, NOON)):
        assert stream is None or 0 <= stream.quality <= 1


def test_the_gazetteer_is_in_order() -> None:
    """Every name is plain words, has weights and a rank, and is found by its first word."""
    table = tables.names()
    assert len(table.names) > 30_000
    for name, (weights, rank) in table.names.items():
        assert 0 <= rank < tables.RANKS
        assert sum(table.weights[weights]) == pytest.approx(1, abs=0.04)
        assert table.longest[name.split()[0]] > name.count(" ")


def test_the_tables_are_small() -> None:
    """A megabyte altogether, as they travel with the worker."""
    assert sum(file.stat().st_size for file in tables.FOLDER.iterdir()) <= 1_000_000
