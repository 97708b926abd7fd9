"""Places, zones, countries, languages and names: shares by hand from a world of five cities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import numpy as np
import pytest

from training.evidence import names, population, times, weights
from training.evidence.sources import City, Country
from worker.prepare.evidence.tables import LEAST_OFFSET, OFFSET_STEP
from worker.record import SLUGS

ASIA, EUROPE, AFRICA, AMERICA = (SLUGS.index(s) for s in ("asia", "europe", "africa", "north-america"))


def city(name: str, where: tuple[float, float], country: str, zone: str, people: int, *others: str) -> City:
    """A city."""
    return City(
        name=name,
        others=others,
        latitude=where[0],
        longitude=where[1],
        country=country,
        zone=zone,
        population=people,
    )


WORLD = (
    city("London", (51.5, -0.1), "GB", "Europe/London", 9_000_000, "Londres", "london", "Лондон", "伦敦"),
    city("Paris", (48.9, 2.4), "FR", "Europe/Paris", 4_000_000),
    city("London", (43.0, -81.2), "CA", "America/Toronto", 400_000),
    city("Istanbul", (41.05, 28.9), "TR", "Europe/Istanbul", 10_000_000),
    city("Ankara", (39.9, 32.9), "TR", "Europe/Istanbul", 2_500_000),
    city("Nice", (43.7, 7.3), "FR", "Europe/Paris", 340_000),
    city("Cairo", (30.0, 31.2), "EG", "Africa/Cairo", 9_000_000),
)
COUNTRIES = {
    "Europe/London": "GB",
    "Europe/Paris": "FR",
    "America/Toronto": "CA",
    "Europe/Istanbul": "TR",
    "Africa/Cairo": "EG",
    "Atlantic/Reykjavik": "IS",
    "Africa/Abidjan": "CI",
}


def test_weights_of_each_continent_sum_to_one() -> None:
    """Square roots of the inhabitants; Istanbul is in Europe, Ankara in Asia; Antarctica has its stations."""
    places = population.places(WORLD, COUNTRIES)
    sums = [sum(place.weight for place in places if place.continent == c) for c in range(7)]
    assert [sums[c] for c in (ASIA, EUROPE, AFRICA, AMERICA, 1)] == pytest.approx([1] * 5)
    by_name = {(place.zone, place.continent): place.weight for place in places}
    europe = [people**0.5 for people in (9e6, 4e6, 1e7, 3.4e5)]
    assert by_name["Europe/London", EUROPE] == pytest.approx(europe[0] / sum(europe))
    assert by_name["Europe/Istanbul", EUROPE] == pytest.approx(europe[2] / sum(europe))
    assert by_name["Europe/Istanbul", ASIA] == 1


def test_zones_by_their_cities_else_their_country_else_their_link() -> None:
    """Iceland's link goes to Africa, its country does not; UTC is nowhere."""
    places = population.places(WORLD, COUNTRIES)
    links = {
        **{zone: zone for zone in COUNTRIES},
        "Atlantic/Reykjavik": "Africa/Abidjan",
        "Iceland": "Africa/Abidjan",
        "Turkey": "Europe/Istanbul",
        "GB": "Europe/London",
        "UTC": "Etc/UTC",
        "Etc/GMT+1": "Etc/GMT+1",
        "Zulu": "Etc/UTC",
    }
    table = weights.of_zones(places, links, COUNTRIES)
    assert table["gb"] == table["europe/london"]
    assert table["turkey"][ASIA] == pytest.approx(1)
    assert 0 < table["turkey"][EUROPE] < 1
    assert np.argmax(table["atlantic/reykjavik"]) == np.argmax(table["iceland"]) == EUROPE
    assert np.argmax(table["africa/abidjan"]) == AFRICA
    assert not {"utc", "etc/gmt+1", "zulu"} & set(table)


def test_antarctica_has_the_zones_and_countries_of_its_visitors() -> None:
    """Half of the mean over the others: nobody is at home there."""
    table = weights.of_countries(population.places(WORLD, COUNTRIES))
    others = [table["GB"][c] for c in range(7) if c != 1]
    assert table["GB"][1] == pytest.approx(0.5 * sum(others) / 6, rel=1e-6)
    assert table["AQ"][1] == pytest.approx(0.5)
    assert table["VA"][EUROPE] > 0


def test_languages_are_shared_by_their_speakers() -> None:
    """P(language | continent) = Σ P(country | continent) · share of its speakers."""
    countries = {"FR": [0, 0, 0, 0.4, 0, 0, 0], "CA": [0, 0, 0, 0, 0.5, 0, 0]}
    speakers = {("fr", "FR"): 90.0, ("en", "FR"): 10.0, ("fr", "CA"): 25.0, ("en", "CA"): 75.0}
    table = weights.of_languages(speakers, countries)
    assert table["fr"] == pytest.approx([0, 0, 0, 0.36, 0.125, 0, 0])
    assert table["en"] == pytest.approx([0, 0, 0, 0.04, 0.375, 0, 0])


class Summer(tzinfo):
    """An hour ahead of UTC, two from April to September."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """The offset at a moment."""
        return timedelta(hours=2 if moment is not None and 4 <= moment.month <= 9 else 1)

    def dst(self, moment: datetime | None) -> timedelta:
        """What of it is summer time."""
        return self.utcoffset(moment) - timedelta(hours=1)

    def tzname(self, moment: datetime | None) -> str:
        """A name."""
        return str(self.utcoffset(moment))


def zones(name: str) -> tzinfo:
    """Rules for this world: Paris has summer time, Cairo is two hours ahead, all others three."""
    return (
        Summer() if name == "Europe/Paris" else timezone(timedelta(hours=2 if name == "Africa/Cairo" else 3))
    )


def test_offsets_follow_the_calendar() -> None:
    """An hour more in summer, and quarters are kept."""
    winter, summer = datetime(2024, 1, 8, 12, tzinfo=UTC), datetime(2024, 7, 8, 12, tzinfo=UTC)
    assert [times.offset(Summer(), moment) for moment in (winter, summer)] == [60, 120]
    assert times.offset(timezone(timedelta(hours=5, minutes=45)), winter) == 345
    assert times.offset(timezone(timedelta(minutes=-44, seconds=-30)), winter) == -45


def test_the_sun() -> None:
    """Noon on the equator at an equinox, the polar night, and the midnight sun, to two degrees."""
    zero = np.zeros(1)
    assert times.elevation(zero, zero, 80, np.array([12.0])) == pytest.approx(90, abs=2)
    assert times.elevation(np.array([51.5]), zero, 172, np.array([12.0])) == pytest.approx(61.9, abs=2)
    assert times.elevation(np.array([80.0]), zero, 355, np.array([12.0])) < 0
    assert times.elevation(np.array([80.0]), zero, 172, np.array([0.0])) > 0
    assert times.elevation(zero, np.array([90.0]), 80, np.array([6.0])) == pytest.approx(90, abs=2)


def test_the_tables_of_times_count_every_place() -> None:
    """Africa here is Cairo: two hours ahead in winter, and the sun up at noon."""
    table = times.tabulate(population.places(WORLD, COUNTRIES), zones)
    slot = (120 - LEAST_OFFSET) // OFFSET_STEP
    assert table.offset[0, slot, AFRICA] == pytest.approx(1)
    assert table.offset[12, slot, EUROPE] == pytest.approx(0.295, abs=0.001)
    assert table.offset[0, slot, EUROPE] == 0
    assert table.daylight[0, 24, AFRICA] == 1
    assert table.daylight[0, 0, AFRICA] == 0
    assert table.season.sum(axis=0) == pytest.approx(1, abs=1e-5)


def gathered() -> dict[str, tuple[list[float], int]]:
    """The gazetteer of this world: name → weights and rank."""
    cities = [(each, continent) for each in WORLD if (continent := population.continent_of(each, COUNTRIES))]
    countries = [
        Country(code="FR", name="France", capital="Paris", population=1),
        Country(code="GE", name="Georgia", capital="Tbilisi", population=1),
        Country(code="NA", name="Namibia", capital="Windhoek", population=1),
    ]
    raw = names.gather(cities, countries, ["Texas", "Georgia"]).table([1e7] * 7)
    return {name: (raw["weights"][code // 4], code % 4) for name, code in raw["names"].items()}


def test_names_are_divided_by_inhabitants() -> None:
    """London is Europe 22 times as much as Canada; the countries, regions and states have their ranks."""
    found = gathered()
    assert found["london"][0][EUROPE] == pytest.approx(0.96)
    assert found["london"][0][AMERICA] == pytest.approx(0.04)
    assert [found[name][1] for name in ("london", "france", "texas", "bali")] == [2, 3, 2, 3]
    assert found["georgia"][0] == [0, 0, 0.5, 0, 0.5, 0, 0]
    assert found["namibia"][0][AFRICA] == 1


def test_common_words_are_no_places_and_other_names_are() -> None:
    """Nice is a word; Londres and Лондон are London; scripts that divide no words are not read."""
    found = gathered()
    assert "nice" not in found
    assert found["londres"] == found["лондон"]
    assert "伦敦" not in found
