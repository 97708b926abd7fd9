"""Drawn facts become files that the worker's own reader reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import product

import numpy as np
import pytest

from training.fusion.facts import NOW, Drawn, Facts, evidence, keep, photo
from worker.prepare.evidence import exif, season
from worker.prepare.evidence.likelihood import hedged
from worker.record import SLUGS, STREAMS

TOKYO = Facts(
    taken=datetime(2024, 7, 1, 12, 0, 30),  # noqa: DTZ001 - a camera's local time, which has no zone
    offset=540,
    gps_time=datetime(2024, 7, 1, 3, 0, 30),  # noqa: DTZ001 - read without one too
    position=(-35.68, 139.7),
    exposure=13.5,
    camera=("Canon", "Canon EOS Kiss X7"),
    caption="The old town of Kyoto, Japan",
    language="ja",
    timezone="Asia/Tokyo",
)


def test_the_file_says_what_the_facts_say() -> None:
    """Time, offset, GPS, exposure and camera come back from the EXIF as they went in."""
    read = exif.read(photo(TOKYO), gps=True)
    assert (read.taken, read.offset, read.gps_time) == (TOKYO.taken, 540, TOKYO.gps_time)
    assert (read.make, read.model) == TOKYO.camera
    assert read.position == pytest.approx(TOKYO.position, abs=1e-4)
    assert read.exposure == pytest.approx(13.5, abs=0.05)


@pytest.mark.parametrize("offset", [-570, -60, 0, 345, 840])
def test_offsets_keep_their_sign_and_minutes(offset: int) -> None:
    """West, east, and quarters of an hour."""
    assert exif.read(photo(replace(TOKYO, offset=offset)), gps=True).offset == offset


def test_all_streams_can_be_there_and_none() -> None:
    """Full facts make all seven streams, empty ones make none."""
    assert set(evidence(replace(TOKYO, position=(35.68, 139.7))).streams) == set(STREAMS)
    assert not evidence(Facts()).streams


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_not_kept_is_gone(name: str) -> None:
    """Dropping one takes that one away and no other; keeping one alone leaves it."""
    whole = replace(TOKYO, position=(35.68, 139.7))
    left = set(evidence(keep(whole, {one: one != name for one in STREAMS})).streams)
    alone = set(evidence(keep(whole, {one: one == name for one in STREAMS})).streams)
    assert name in alone
    # The date stays for the clock, and tells the season without the light; a caption is in a language.
    assert left | {"season", "language"} == set(STREAMS) - {name} | {"season", "language"}
    assert alone <= {name, "season", "language"}


def test_a_mixture_is_of_claims_that_were_read() -> None:
    """A contradiction that the reader did not see is none."""
    drawn = Drawn(facts=TOKYO, claims={"clock": 2, "caption": 3, "timezone": 2, "gps": 2})
    assert drawn.mixed(evidence(TOKYO))
    assert not drawn.mixed(evidence(replace(TOKYO, caption=None)))
    assert SLUGS[2] == "asia"


def test_what_brightness_adds_in_service_is_bounded() -> None:
    """docs/fusion.md: simulated photos have no brightness; the worker's have one, where exposure is unknown.

    Between two continents it moves the likelihood by a factor of 1.72 at most, 1.33 at the stream's quality.
    """
    moved, hedged_by = 1.0, 1.0
    for month, half, hour in product(range(1, 13), (5, 20), range(24)):
        taken = datetime(2020, month, half, hour)  # noqa: DTZ001 - a camera's local time, which has no zone
        plain, *lit = (season.read(taken, None, level, NOW) for level in (None, 0.1, 0.9))
        assert plain is not None
        for one in lit:
            assert one is not None
            assert one.quality == plain.quality
            gain = np.divide(one.likelihood, plain.likelihood)
            moved = max(moved, float(gain.max() / gain.min()))
            gain = np.divide(hedged(one), hedged(plain))
            hedged_by = max(hedged_by, float(gain.max() / gain.min()))
    assert 1.6 < moved < 1.72
    assert 1.2 < hedged_by < 1.33
