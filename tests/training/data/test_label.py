"""Labels come from metadata that is sure; the rest is asked; what was said is never overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

from tests.training.data import made
from tests.training.data.test_photo import with_exif
from training.data import evidence, manifest, photo
from training.data.item import Item
from training.data.label import AGREED, Verdict, judge, pooled
from training.data.labelled import Labelled
from worker.prepare.evidence import camera, language
from worker.prepare.evidence.likelihood import disagreement, stream
from worker.record import NO_EVIDENCE, SLUGS, Evidence, Stream

UNLABELLED = made.item(continent_label=None, label_method=None)


def towards(slug: str, quality: float) -> Stream:
    """A stream that speaks for one continent."""
    return stream([float(one == slug) for one in SLUGS], quality)


def speaking(**streams: Stream) -> Evidence:
    """Evidence of these streams."""
    return Evidence(streams=streams, gps_continent=None, disagreement=disagreement(list(streams.values())))


SURE_OF_ASIA = speaking(gps=towards("asia", 0.97))
TWO_FOR_ASIA = speaking(timezone=towards("asia", 0.8), caption=towards("asia", 0.8))


def test_the_pool_is_bayes_rule() -> None:
    """Golden, by hand: right with .8, else even: (.8 + .2/7)² against six times (.2/7)²."""
    yes, no = 0.8 * (1 - 6e-4) + 0.2 / 7, 0.8 * 1e-4 + 0.2 / 7
    assert pooled(TWO_FOR_ASIA)["asia"] == pytest.approx(yes**2 / (yes**2 + 6 * no**2), rel=1e-9)
    assert sum(pooled(TWO_FOR_ASIA).values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("evidence_", "method"), [(SURE_OF_ASIA, "gps"), (TWO_FOR_ASIA, "metadata")], ids=["gps", "others"]
)
def test_a_sure_verdict_labels(evidence_: Evidence, method: str) -> None:
    """The label, where it is from and how sure it is are in the record, and nobody is asked."""
    verdict = judge(UNLABELLED, evidence_)
    assert verdict.question is None
    assert (verdict.item.continent_label, verdict.item.label_method) == ("asia", method)
    assert verdict.item.label_confidence == pytest.approx(pooled(evidence_)["asia"], abs=1e-4)


@pytest.mark.parametrize(
    ("evidence_", "question"),
    [
        (NO_EVIDENCE, "no_evidence"),
        (speaking(timezone=towards("asia", 0.8)), "uncertain"),
        (speaking(timezone=towards("asia", 0.9), gps=towards("europe", 0.97)), "contradictory"),
        (
            speaking(
                timezone=towards("asia", 0.97), gps=towards("europe", 0.97), caption=towards("asia", 0.97)
            ),
            "contradictory",
        ),
    ],
    ids=["nothing", "one weak stream", "two that differ", "two against one"],
)
def test_the_ambiguous_is_asked(evidence_: Evidence, question: str) -> None:
    """Nothing, too little or a contradiction: no label, and a row in the review list that says which."""
    verdict = judge(UNLABELLED, evidence_)
    assert verdict.item == UNLABELLED
    assert verdict.question == question
    assert len(list(Labelled(verdicts=(verdict,)).review())) == 1


@pytest.mark.parametrize("evidence_", [NO_EVIDENCE, SURE_OF_ASIA, TWO_FOR_ASIA])
@pytest.mark.parametrize("method", ["manifest", "reviewed", "synthetic"])
def test_what_was_said_is_kept(evidence_: Evidence, method: str) -> None:
    """A label stays; where metadata is sure of another a person is asked, unless one has looked already."""
    stated = made.item(label_method=method)
    verdict = judge(stated, evidence_)
    assert verdict.item == stated
    asked = method == "manifest" and evidence_ is not NO_EVIDENCE
    assert verdict.question == ("contradicts_label" if asked else None)


def test_agreement_is_over_photos_that_had_a_label() -> None:
    """Golden: eight of nine agree; Wilson's interval; labels that metadata made count for nothing."""
    verdicts: list[Verdict] = [judge(made.item(continent_label="asia"), SURE_OF_ASIA)] * 8
    verdicts += [
        judge(made.item(), SURE_OF_ASIA),
        judge(UNLABELLED, SURE_OF_ASIA),
        judge(made.item(), NO_EVIDENCE),
    ]
    labelled = Labelled(verdicts=tuple(verdicts))
    agreement = labelled.agreement()
    interval = binomtest(8, 9).proportion_ci(method="wilson")
    assert (agreement.agreed, agreement.photos, agreement.groups) == (8, 9, 1)
    assert (agreement.low, agreement.high) == pytest.approx((interval.low, interval.high))
    assert labelled.document()["labels"] == {"manifest": 10, "gps": 1}
    assert labelled.document()["review"] == {"contradicts_label": 1}
    assert [row[1:4] for row in labelled.review()] == [("contradicts_label", "europe", "asia")]


def seen(folder: Path, **cells: str) -> photo.Seen:
    """One photo without EXIF, with what its manifest says."""
    rows = [made.row("a.jpg", "", **cells)]
    return photo.see(manifest.read(made.dataset(folder, rows)))[0]


def label_of(one: photo.Seen, folder: Path, *, gps: bool = True) -> Item:
    """The record after labelling."""
    return judge(one.item, evidence.evidence_of(one, folder, now=1.8e9, gps=gps)).item


def test_coordinates_of_the_manifest_label_and_stay_behind(tmp_path: Path) -> None:
    """Nairobi is in Africa; with the policy off the same row is asked about; the place is in no repr."""
    one = seen(tmp_path, lat="-1.2864", lon="36.8172")
    item = label_of(one, tmp_path)
    assert (item.continent_label, item.label_method) == ("africa", "gps")
    assert label_of(one, tmp_path, gps=False).continent_label is None
    assert [text for text in ("1.28", "36.8") if text in repr(one) + repr(item)] == []


def test_coordinates_of_the_file_label_where_policy_lets_them(tmp_path: Path) -> None:
    """A phone's photo of Cape Town is labelled from its own coordinates, and not with the policy off."""
    with_exif(tmp_path / "a.jpg")
    path = made.manifest(tmp_path, [made.row("a.jpg", "")])
    (one,) = photo.see(manifest.read(path))
    assert label_of(one, tmp_path).continent_label == "africa"
    found = evidence.evidence_of(one, tmp_path, now=1.8e9, gps=False)
    assert found.gps_continent is None
    assert "gps" not in found.streams


def test_words_of_the_manifest_label_together(tmp_path: Path) -> None:
    """A declared time zone and a caption that agree are sure; a caption and a place that differ are asked."""
    one = seen(tmp_path, timezone="Asia/Tokyo", caption="Lanterns in Kyoto, Japan")
    assert label_of(one, tmp_path).continent_label == "asia"
    other = replace(one, row=replace(one.row, hints=replace(one.row.hints, coordinates=(48.8566, 2.3522))))
    assert label_of(other, tmp_path).continent_label is None


def test_a_camera_and_a_language_from_home_contradict_nobody() -> None:
    """A Japanese camera and language in Paris: a journey: uncertain, as in the worker, not contradictory."""
    carried = {"camera": camera.read("Canon", "Canon EOS Kiss X7"), "language": language.read("ja-JP", None)}
    streams = {name: one for name, one in carried.items() if one is not None}
    assert len(streams) == 2
    found = evidence.with_position(
        Evidence(streams=streams, gps_continent=None, disagreement=0.0), 48.8566, 2.3522
    )
    assert (found.gps_continent, found.disagreement) == ("europe", 0.0)
    assert disagreement(list(found.streams.values())) > AGREED
    assert judge(UNLABELLED, found).question == "uncertain"
    claimed = evidence.with_position(speaking(timezone=towards("asia", 0.9)), 48.8566, 2.3522)
    assert claimed.disagreement > AGREED
    assert judge(UNLABELLED, claimed).question == "contradictory"


def test_a_position_at_the_border_is_less_sure() -> None:
    """In the middle of Istanbul two continents are in sight: no label from that alone."""
    inland, border = evidence.position(48.8566, 2.3522)[1], evidence.position(41.025, 29.0)[1]
    assert inland is not None
    assert border is not None
    assert inland.quality == pytest.approx(evidence.QUALITY)
    assert border.quality < inland.quality
    assert judge(UNLABELLED, speaking(gps=border)).question == "uncertain"


def test_the_open_sea_is_no_continent() -> None:
    """Neither a slug nor a stream comes of a position far from land, and the file's own stream goes."""
    found = evidence.with_position(SURE_OF_ASIA, 0.0, -30.0)
    assert found.gps_continent is None
    assert dict(found.streams) == {}
