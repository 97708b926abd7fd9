"""Which continent is which: the reviewed decisions, everything else follows from them.

The rule is the United Nations' M49 standard (https://unstats.un.org/unsd/methodology/m49), which gives every
country one region; Central America and the Caribbean are North America. Where a country lies on two
continents, a time zone or a line on the map divides it, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from worker.record import SLUGS

COUNTRIES: Final[dict[str, str]] = {
    "africa": """
        AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU
        MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW
    """,
    "antarctica": "AQ",
    "asia": """
        AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP
        OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE
    """,
    "europe": """
        AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD
        ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK
    """,
    "north-america": """
        AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV
        SX TC TT US VC VG VI
    """,
    "oceania": """
        AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS
    """,
    "south-america": "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE",
}
"""Every ISO 3166 country, by the continent of its mainland."""

ZONES: Final[dict[str, tuple[str, str]]] = {
    "Africa/Ceuta": ("africa", "Spain's cities on the African coast"),
    "Atlantic/Canary": ("africa", "Spain's islands off the African coast"),
    "Atlantic/Madeira": ("africa", "Portugal's islands on the African plate"),
    "Pacific/Honolulu": ("oceania", "Hawaii, a part of Polynesia"),
    "Pacific/Easter": ("oceania", "Chile's island in Polynesia"),
    "Antarctica/Macquarie": ("oceania", "an Australian island north of 60° S"),
    "Asia/Anadyr": ("asia", "Russia east of the Urals"),
    "Asia/Barnaul": ("asia", "Russia east of the Urals"),
    "Asia/Chita": ("asia", "Russia east of the Urals"),
    "Asia/Irkutsk": ("asia", "Russia east of the Urals"),
    "Asia/Kamchatka": ("asia", "Russia east of the Urals"),
    "Asia/Khandyga": ("asia", "Russia east of the Urals"),
    "Asia/Krasnoyarsk": ("asia", "Russia east of the Urals"),
    "Asia/Magadan": ("asia", "Russia east of the Urals"),
    "Asia/Novokuznetsk": ("asia", "Russia east of the Urals"),
    "Asia/Novosibirsk": ("asia", "Russia east of the Urals"),
    "Asia/Omsk": ("asia", "Russia east of the Urals"),
    "Asia/Sakhalin": ("asia", "Russia east of the Urals"),
    "Asia/Srednekolymsk": ("asia", "Russia east of the Urals"),
    "Asia/Tomsk": ("asia", "Russia east of the Urals"),
    "Asia/Ust-Nera": ("asia", "Russia east of the Urals"),
    "Asia/Vladivostok": ("asia", "Russia east of the Urals"),
    "Asia/Yakutsk": ("asia", "Russia east of the Urals"),
    "Asia/Yekaterinburg": ("asia", "Russia east of the Urals; what lies west of their crest is Europe"),
}
"""Time zones whose continent is not their country's, and why."""

Ring = tuple[tuple[float, float], ...]

RINGS: Final[tuple[tuple[str, str, Ring], ...]] = (
    (
        # Turkey: Europe north-west of the Bosphorus, the Sea of Marmara and the Dardanelles.
        "Europe/Istanbul",
        "europe",
        (
            *((42.60, 29.30), (41.22, 29.13), (41.17, 29.075), (41.125, 29.08), (41.083, 29.062)),
            *((41.045, 29.034), (41.030, 29.009), (41.005, 29.000), (40.95, 28.95), (40.80, 28.30)),
            *((40.75, 27.60), (40.50, 27.10), (40.40, 26.75), (40.375, 26.67), (40.30, 26.58)),
            *((40.22, 26.42), (40.18, 26.38), (40.148, 26.39), (40.05, 26.25), (40.02, 26.15)),
            *((39.97, 25.50), (42.60, 25.50)),
        ),
    ),
    (
        # Egypt: Asia east of the Suez Canal and the Gulf of Suez.
        "Africa/Cairo",
        "asia",
        (
            *((32.20, 32.34), (31.26, 32.32), (30.60, 32.32), (30.33, 32.37), (29.95, 32.57)),
            *((29.60, 32.52), (29.00, 32.90), (28.30, 33.35), (27.60, 34.10), (27.00, 34.60)),
            *((27.00, 36.00), (32.20, 36.00)),
        ),
    ),
    (
        # Russia: Europe west of the crest of the Urals and north of the Ural river.
        "Asia/Yekaterinburg",
        "europe",
        (
            *((61.70, 59.40), (60.50, 59.30), (59.40, 59.10), (58.60, 58.95), (57.70, 59.30)),
            *((56.87, 60.05), (55.90, 59.60), (55.10, 59.75), (54.30, 59.30), (53.40, 59.00)),
            *((52.70, 58.75), (51.20, 58.50), (51.40, 57.00), (51.72, 55.10), (51.40, 53.00)),
            *((50.50, 50.00), (61.70, 50.00)),
        ),
    ),
)
"""(zone, continent, corners as (latitude, longitude)): the part of a zone that is another continent."""

TREATY_LATITUDE: Final = -60.0
"""South of it everything is Antarctica, the sea included (Antarctic Treaty, article VI)."""


@cache
def of_country(code: str) -> str | None:
    """The continent of a country by ISO 3166 code; None for codes that are not in use.

    >>> of_country("CY"), of_country("KZ"), of_country("NA"), of_country("ZZ")
    ('asia', 'asia', 'africa', None)
    """
    return next((slug for slug, codes in COUNTRIES.items() if code in codes.split()), None)


def of_zone(zone: str, country: str | None) -> str | None:
    """The continent of a time zone, by itself or else by its country; None at sea.

    >>> of_zone("Indian/Reunion", "RE"), of_zone("America/Cayenne", "GF"), of_zone("Etc/GMT+2", None)
    ('africa', 'south-america', None)
    """
    if zone in ZONES:
        return ZONES[zone][0]
    if zone.startswith("Antarctica/"):
        return "antarctica"
    return None if country is None else of_country(country)


def at(latitude: float, longitude: float, zone: str | None, country: str | None) -> int:
    """The code of a position in the zone and country it lies in: 0 at open sea, else 1 + place in SLUGS."""
    if latitude < TREATY_LATITUDE:
        return SLUGS.index("antarctica") + 1
    if zone is None:
        return 0
    for name, slug, ring in RINGS:
        if name == zone and inside(latitude, longitude, ring):
            return SLUGS.index(slug) + 1
    slug_of_zone = of_zone(zone, country)
    return 0 if slug_of_zone is None else SLUGS.index(slug_of_zone) + 1


def inside(latitude: float, longitude: float, ring: Sequence[tuple[float, float]]) -> bool:
    """Whether a position lies inside a ring, by the even-odd rule on the plane of degrees.

    >>> inside(1.0, 1.0, ((0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0)))
    True
    """
    crossings = 0
    for (north, east), (south, west) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (north > latitude) != (south > latitude):
            crossing = east + (latitude - north) / (south - north) * (west - east)
            crossings += longitude < crossing
    return crossings % 2 == 1
