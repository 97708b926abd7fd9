"""Two generators of simulated evidence: `Gallery`, which fusion learns from, and `Census`, which judges it.

They share the world and the arithmetic of clocks and light, and differ in where photos are taken (where the
gallery's were, or where people live), in who travels, in what is present together, in how clocks go wrong, in
what captions say, and in where contradictions come from. Every share below is an assumption, chosen wide.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

import numpy as np

from training.fusion.facts import Drawn, Facts, keep
from training.fusion.scene import Scene, camera, exposure, moment, spot
from training.fusion.world import Region, World, shares
from worker.record import CLAIMS, SLUGS, STREAMS

Rng = np.random.Generator


class Generator(Protocol):
    """Draws the metadata of a photo of a continent."""

    def draw(self, label: int, rng: Rng) -> Drawn:
        """Facts of a photo whose continent is `label`, an index of SLUGS."""
        ...


class Gallery:
    """The generator for training: many habits, each claim disturbed on its own, a random share dropped."""

    SWAPPED: Final = 0.08
    """All metadata are of a photo from another continent; a share of one's own makes a test sharper."""
    TRAVELS: Final = 0.35
    """Taken by somebody who lives elsewhere, by GeoNames' populations."""
    HOME_CLOCK: Final = 0.35
    HOME_ZONE: Final = 0.5
    """A traveller's camera, or declared zone, still says home."""
    CONTRADICTED: Final = 0.05
    """A claim made of a region drawn from anywhere."""
    SUMMER_FORGOTTEN: Final = 0.08
    DRIFTED: Final = 0.05
    """The clock is one to three hours off."""
    STATED: Final = 0.7
    """The camera states its offset; else GPS time beside local time tells it."""
    ENGLISH: Final = 0.3
    PHRASES: Final = (
        "A day in {city}, {land}",
        "{city}",
        "The old town of {city}",
        "Holiday in {land} with us",
    )

    def __init__(self, world: World, *, swapped: float = SWAPPED) -> None:
        self._world, self._swapped = world, swapped
        self._by_photos = [shares([one.photos for one in world.on(c)]) for c in range(len(SLUGS))]
        self._on = [world.on(c) for c in range(len(SLUGS))]
        self._by_people = shares([one.people for one in world.regions])

    def draw(self, label: int, rng: Rng) -> Drawn:
        """Facts of a photo whose continent is `label`."""
        swapped = bool(rng.random() < self._swapped)
        place = self._region(other(label, rng) if swapped else label, rng)
        travels = rng.random() < self.TRAVELS or not place.people
        home = (
            self._world.regions[int(rng.choice(len(self._by_people), p=self._by_people))]
            if travels
            else place
        )
        position, city = spot(rng, place)
        scene = Scene(place=place, position=position, city=city, home=home, utc=moment(rng, place))
        sources = {
            "clock": home if rng.random() < self.HOME_CLOCK else place,
            "caption": place,
            "timezone": home if rng.random() < self.HOME_ZONE else place,
            "gps": place,
        }
        for name in CLAIMS:
            if rng.random() < self.CONTRADICTED:
                sources[name] = self._region(int(rng.integers(len(SLUGS))), rng)
        facts = self._told(scene, sources, rng)
        # How much is present varies from photo to photo, so that every pattern is seen.
        rate = rng.random()
        kept = {name: bool(rng.random() < rate) for name in STREAMS}
        claims = {name: region.continent for name, region in sources.items()}
        return Drawn(facts=keep(facts, kept), claims=claims, swapped=swapped)

    def _region(self, continent: int, rng: Rng) -> Region:
        regions = self._on[continent]
        return regions[int(rng.choice(len(regions), p=self._by_photos[continent]))]

    def _told(self, scene: Scene, sources: dict[str, Region], rng: Rng) -> Facts:
        region = sources["clock"]
        forgotten = rng.random() < self.SUMMER_FORGOTTEN
        offset = region.offset((scene.month + 6 * forgotten - 1) % 12 + 1)
        if rng.random() < self.DRIFTED:
            offset += 60 * int(rng.integers(1, 4)) * int(rng.choice((-1, 1)))
        offset = min(max(offset, -720), 840)
        stated = rng.random() < self.STATED
        said = sources["caption"]
        city = scene.city if said is scene.place else spot(rng, said)[1]
        return Facts(
            taken=scene.utc + timedelta(minutes=offset),
            offset=offset if stated else None,
            gps_time=None if stated else scene.utc,
            position=scene.position if sources["gps"] is scene.place else spot(rng, sources["gps"])[0],
            exposure=exposure(rng, scene),
            camera=camera(rng, scene.home),
            caption=phrase(self.PHRASES, self._world, said, city, rng),
            language="en" if rng.random() < self.ENGLISH else spoken(self._world, scene.home, rng, first=0.7),
            timezone=sources["timezone"].zone,
        )


class Census:
    """The generator for testing: photos where people live, of four kinds of senders, each with its faults."""

    KINDS: Final = ("phone", "camera", "web", "social")
    SHARES: Final = (0.4, 0.25, 0.2, 0.15)
    """A phone's own file; a camera's; a page that kept a caption; a post that lost its EXIF."""
    SWAPPED: Final = 0.06
    TRAVELS: Final = 0.25
    NEAR: Final = 0.6
    """Of travellers, those who live on the same continent."""
    POSTED: Final = 0.1
    """Caption, language and zone are of somebody elsewhere who passed the photo on."""
    ADJUSTED: Final = 0.4
    """A traveller's camera that was set to the local time; phones set themselves, nearly always."""
    PHONE_ADJUSTED: Final = 0.97
    CLOCK_MINUTES: Final = 1.0
    """The scale of a clock's error in minutes, Student's t with two degrees of freedom."""
    PHRASES: Final = (
        "{city} #travel",
        "Somewhere in {land}",
        "Evening light over {city} and its harbour",
        "{land}",
    )

    def __init__(self, world: World, *, swapped: float = SWAPPED) -> None:
        self._world, self._swapped = world, swapped
        self._on = [world.on(c) for c in range(len(SLUGS))]
        self._by_people = [
            # Where nobody lives, by the gallery: Antarctica.
            shares(
                [one.people for one in regions]
                if any(one.people for one in regions)
                else [one.photos for one in regions]
            )
            for regions in self._on
        ]
        self._everybody = shares([one.people for one in world.regions])

    def draw(self, label: int, rng: Rng) -> Drawn:
        """Facts of a photo whose continent is `label`."""
        swapped = bool(rng.random() < self._swapped)
        place = self._region(other(label, rng) if swapped else label, rng)
        home = place
        if rng.random() < self.TRAVELS or not place.people:
            near = rng.random() < self.NEAR and place.people > 0
            home = self._region(place.continent, rng) if near else self._anywhere(rng)
        poster = self._anywhere(rng) if rng.random() < self.POSTED else home
        city = self._city(place, rng)
        position = (
            next((one.position for one in place.cities if one.name == city), None) or spot(rng, place)[0]
        )
        scene = Scene(place=place, position=position, city=city, home=home, utc=moment(rng, place))
        kind = self.KINDS[int(rng.choice(len(self.KINDS), p=self.SHARES))]
        adjusted = rng.random() < (self.PHONE_ADJUSTED if kind == "phone" else self.ADJUSTED)
        clock = place if adjusted else home
        said = place if poster is home else poster
        facts = self._told(scene, clock, poster, said, rng)
        claims = {"clock": clock, "caption": said, "timezone": poster, "gps": place}
        return Drawn(
            facts=self._sent(facts, kind, rng),
            claims={name: region.continent for name, region in claims.items()},
            swapped=swapped,
        )

    def _told(self, scene: Scene, clock: Region, poster: Region, said: Region, rng: Rng) -> Facts:
        offset = clock.offset(scene.month)
        error = timedelta(minutes=float(np.clip(self.CLOCK_MINUTES * rng.standard_t(2), -300, 300)))
        city = scene.city if said is scene.place else self._city(said, rng)
        return Facts(
            taken=scene.utc + timedelta(minutes=offset) + error,
            offset=offset,
            gps_time=scene.utc,
            position=scene.position,
            exposure=exposure(rng, scene),
            camera=camera(rng, scene.home),
            caption=phrase(self.PHRASES, self._world, said, city, rng),
            language=spoken(self._world, poster, rng, first=0.0),
            timezone=poster.zone,
        )

    @staticmethod
    def _sent(facts: Facts, kind: str, rng: Rng) -> Facts:
        """What is left of the facts on the way that photos of a kind take."""
        phone, camera_, web, social = (kind == one for one in Census.KINDS)
        stated = phone or rng.random() < 0.3  # noqa: PLR2004 - of cameras
        facts = replace(
            facts,
            offset=facts.offset if stated and rng.random() < 0.6 else None,  # noqa: PLR2004 - of those
            gps_time=facts.gps_time if phone else None,
        )
        kept = {
            "clock": phone or camera_,
            "season": phone or camera_,
            "camera": phone or camera_,
            "caption": web or social or bool(rng.random() < 0.15),  # noqa: PLR2004 - an EXIF description
            "language": web or social,
            "timezone": social or (phone and bool(rng.random() < 0.5)),  # noqa: PLR2004 - uploaded by an app
            "gps": phone and bool(rng.random() < 0.5),  # noqa: PLR2004 - location switched on
        }
        return keep(facts, kept)

    def _region(self, continent: int, rng: Rng) -> Region:
        regions = self._on[continent]
        return regions[int(rng.choice(len(regions), p=self._by_people[continent]))]

    def _anywhere(self, rng: Rng) -> Region:
        return self._world.regions[int(rng.choice(len(self._everybody), p=self._everybody))]

    @staticmethod
    def _city(region: Region, rng: Rng) -> str:
        if not region.cities:
            return ""
        return region.cities[
            int(rng.choice(len(region.cities), p=shares([one.people for one in region.cities])))
        ].name


def other(label: int, rng: Rng) -> int:
    """Another label, each as likely.

    >>> {other(2, np.random.default_rng(seed)) for seed in range(60)} == {0, 1, 3, 4, 5, 6}
    True
    """
    return int((label + rng.integers(1, len(SLUGS))) % len(SLUGS))


def phrase(phrases: tuple[str, ...], world: World, region: Region, city: str, rng: Rng) -> str:
    """A caption that names a city or a country; Antarctica where the region has no country."""
    land = world.names.get(region.country, "Antarctica")
    text = phrases[int(rng.integers(len(phrases)))]
    return text.format(city=city or land, land=land)


def spoken(world: World, region: Region, rng: Rng, *, first: float) -> str | None:
    """A language of the region's country: the most spoken one with probability `first`, else any of three."""
    languages = world.languages.get(region.country, ())
    if not languages or not languages[0]:
        return None
    return languages[0] if rng.random() < first else languages[int(rng.integers(len(languages)))]
