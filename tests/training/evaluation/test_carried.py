"""The training photos' own evidence: bound to their embeddings, numbers alone."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.evaluation.invented import embedded, located, silent, simple
from training import embeddings
from training.evaluation import carried
from training.evaluation.carried import Carried
from training.evaluation.evaluation import WITH_EVIDENCE, for_card, on_unseen_sources
from training.fusion.batch import EvidenceBatch
from training.places import EMBEDDINGS, EXAMPLES
from worker.errors import Refuse
from worker.record import NO_EVIDENCE, SLUGS, STREAMS, Evidence, Stream


def told(label: int) -> Evidence:
    """A caption that speaks for the truth, as one of every third photo does."""
    likelihood = tuple(0.4 if each == label else 0.1 for each in range(7))
    return Evidence(
        streams={"caption": Stream(likelihood=likelihood, quality=1.0)}, gps_continent=None, disagreement=0.0
    )


def some(photos: embeddings.Embeddings) -> Carried:
    """Evidence for every third photo, which tells the truth."""
    said = [told(label) if row % 3 == 0 else NO_EVIDENCE for row, label in enumerate(photos.label)]
    batch = EvidenceBatch.of(said)
    return Carried(open=batch, located=batch)


def test_what_is_written_is_read_by_its_own_photos_alone(tmp_path: Path) -> None:
    """The same vectors, the same bytes; photos in another order, or others, are told from them."""
    photos = embedded(n=30)
    photos = replace(photos, x=photos.x.astype(np.float16).astype(np.float64))
    for name in ("a.npz", "b.npz"):
        carried.save(some(photos), photos, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = carried.load(tmp_path / "a.npz", photos)
    assert found is not None
    assert np.array_equal(found.open.vectors(), some(photos).open.vectors())
    assert carried.load(tmp_path / "a.npz", photos.take(np.arange(30)[::-1])) is None
    assert carried.load(tmp_path / "a.npz", replace(photos, label=(photos.label + 1) % 7)) is None
    assert carried.load(tmp_path / "a.npz", replace(photos, x=photos.x + 1)) is None


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    """With the mend: no archive, another archive, vectors of another number of photos."""
    photos = embedded(n=30)
    place = tmp_path / "a.npz"
    place.write_bytes(b"nothing")
    with pytest.raises(Refuse, match=r"carried --photos"):
        carried.load(place, photos)
    np.savez(place, open=np.zeros((30, 63)))
    with pytest.raises(Refuse, match=r"carried --photos"):
        carried.load(place, photos)
    carried.save(some(photos.take(np.arange(20))), photos, place)
    with pytest.raises(Refuse, match="for each photo"):
        carried.load(place, photos)


def test_the_committed_evidence_is_that_of_the_committed_embeddings() -> None:
    """Small, bound to them, some photos carry some; no position is in it: GPS is a continent or nothing."""
    photos = embeddings.load(EMBEDDINGS)
    assert carried.COMMITTED.stat().st_size < 200_000
    found = carried.known(photos)
    assert found is not None
    assert len(found) == len(photos)
    assert found.open.present.any()
    gps = STREAMS.index("gps")
    assert not found.open.present[:, gps].any()
    rows = np.flatnonzero(found.located.present[:, gps])
    assert all(len(np.unique(found.located.support[row, gps].round(4))) == 2 for row in rows)
    assert carried.known(photos.take(np.arange(5))) is None


def test_it_is_read_from_the_photos_by_the_workers_own_reader(tmp_path: Path) -> None:
    """A photo with a position and a clock: neither where GPS is not looked at; a row each, in order."""
    names = sorted(path.name for path in EXAMPLES.glob("*.jpg"))[:3]
    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "continent", "source_repo", "licence", "attribution", "group"])
        for number, name in enumerate(names):
            data = located(EXAMPLES / name) if number == 1 else (EXAMPLES / name).read_bytes()
            (tmp_path / name).write_bytes(data)
            writer.writerow([name, "Africa", f"s{number}", "", "", f"g{number}"])
    photos = replace(
        embedded(n=3),
        label=np.zeros(3, dtype=np.int64),
        group=np.array(["g0", "g1", "g2"]),
        source=np.array(["s0", "s1", "s2"]),
    )
    found = carried.compute(tmp_path, photos)
    gps, clock = STREAMS.index("gps"), STREAMS.index("clock")
    assert found.located.present[:, [gps, clock]].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert not found.open.present[:, [gps, clock]].any()
    assert SLUGS[found.located.support[1, gps].argmax()] == "africa"
    with pytest.raises(Refuse, match="not those of the embeddings"):
        carried.compute(tmp_path, replace(photos, group=np.array(["g0", "g2", "g1"])))


def test_the_headline_has_a_row_with_the_evidence_that_photos_carry() -> None:
    """Beside the image alone, over all photos; the card has it. Without a file of evidence that is said."""
    photos = embedded(n=100, seed=7, noise=0.9)
    found = on_unseen_sources(photos, simple, model={}, meter=silent, carried=some(photos))
    alone, both = found.rows["model"], found.rows[WITH_EVIDENCE]
    assert found.others[WITH_EVIDENCE].n == found.summary.n == 100
    assert (both["nll"].value or 0) < (alone["nll"].value or 0)
    assert found.counts["evidence"]["caption"] == 34
    card = for_card(found)
    assert card["compared"][WITH_EVIDENCE]["top1"] == both["top1"].document()
    assert card["carrying"]["caption"] == 34
    assert card["ablations_joined_by"] == found.joined_by != ""
    blind = on_unseen_sources(photos, simple, model={}, meter=silent)
    assert WITH_EVIDENCE not in blind.rows
    assert any("not known here" in note for note in blind.notes)


def test_too_few_groups_have_no_block_in_domain() -> None:
    """Two trips that six sources share: the headline stands, in domain nothing is said, and that is said."""
    photos = embedded(n=120)
    two = replace(photos, group=np.array([f"g{row % 2}" for row in range(120)]))
    found = on_unseen_sources(two, simple, model={}, meter=silent)
    assert "in domain" not in found.others
    assert found.exchangeable is None
    assert for_card(found)["in_domain"] is None
    assert any("In domain nothing is measured" in note for note in found.notes)
