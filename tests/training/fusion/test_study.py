"""The study, the fit that ships and the command, on few photos."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from training import evaluate
from training.calibration import temperature
from training.embeddings import Embeddings
from training.evaluate import Folds
from training.fusion import app, graph, judge, serving
from training.fusion.fit import Recipe
from training.fusion.joining import judged
from training.fusion.study import HEADLINE, WITH_GPS, Size, study
from training.heads import Heads

QUICK = Recipe(members=2, steps=5, units=3)


@pytest.fixture(scope="module")
def few(committed: Embeddings) -> Embeddings:
    """Sixty photos of a few sources and continents."""
    rows = np.flatnonzero(np.isin(committed.label, (0, 2, 3)))
    return committed.take(np.random.default_rng(1).permutation(rows)[:60])


@pytest.fixture(scope="module")
def heads(few: Embeddings) -> Folds:
    """Heads without each source that know next to nothing: what is studied here is the study."""
    rng = np.random.default_rng(0)
    return Folds(
        without={
            str(name): Heads(weight=rng.normal(0, 0.05, (2, 7, 1280)), bias=np.zeros((2, 7)))
            for name in np.unique(few.source)
        }
    )


@pytest.fixture(scope="module")
def document(few: Embeddings, heads: Folds) -> dict[str, Any]:
    """A small study."""
    return study(few, heads, recipe=QUICK, size=Size(draws=3, photos=60, fresh=60, repeats=2))


def test_the_study_is_json_and_counts_photos(few: Embeddings, document: dict[str, Any]) -> None:
    """It can be written down; n is of photos, not of draws; what was left out is said."""
    assert json.loads(json.dumps(document)) == document
    assert document["n"] + document["left_out"] == len(few)
    assert document["draws"] == 3
    assert set(document["models"]) == {HEADLINE, WITH_GPS}


def test_gps_is_not_in_the_headline(document: dict[str, Any]) -> None:
    """The image alone is the same with and without; the pool gains from GPS: the two are not mixed up."""
    headline, with_gps = (document["models"][name] for name in (HEADLINE, WITH_GPS))
    assert headline[judge.IMAGE] == with_gps[judge.IMAGE]
    assert with_gps[judge.POOL]["nll"]["value"] < headline[judge.POOL]["nll"]["value"]


def test_both_scores_of_contradictions_are_judged_on_the_same_photos(document: dict[str, Any]) -> None:
    """Those with two claims: else the comparison would be of photos, not of scores."""
    claims, streams = (
        document["conflict"][name] for name in ("metadata_against_metadata", "metadata_by_all_streams")
    )
    for name in ("conflicts", "others"):
        assert claims[name] == streams[name] > 0


def test_every_value_lies_in_its_interval(document: dict[str, Any]) -> None:
    """Wherever there is an interval, low ≤ value ≤ high, but for a resampling's rounding."""
    found = 0

    def walk(part: object) -> None:
        nonlocal found
        if isinstance(part, dict):
            if {"value", "low", "high"} <= part.keys():
                found += 1
                assert part["low"] - 1e-9 <= part["value"] <= part["high"] + 1e-9
            for one in part.values():
                walk(one)

    walk(document)
    assert found > 20


def test_the_fusion_that_ships_goes_into_the_file(few: Embeddings, heads: Folds) -> None:
    """Fitted at the card's temperature, written beside heads, it answers with both stages."""
    fitted = serving.fit(few, heads, recipe=QUICK)
    rows = judged(few)
    assert fitted.temperature == pytest.approx(temperature(heads.logits(few)[rows], few.label[rows]))
    assert fitted.document()["evidence"] == {
        "simulated": True,
        "learned_with": "training.fusion.generators.Gallery",
        "judged_with": "training.fusion.generators.Census",
        "validated_patterns": [],
    }
    file = graph.write(next(iter(heads.without.values())), fitted.model, temperature=fitted.temperature)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    assert names == ["stage1_logits", "stage2_logits", "gates"]


def test_what_fused_answers_are_held_to(few: Embeddings, heads: Folds) -> None:
    """One draw a photo counts, of those with evidence; both kinds of conflict have a threshold; no claim."""
    told: list[int] = []
    found = serving.standing(few, heads, recipe=QUICK, tell=lambda _what, done, _of: told.append(done))
    sources = len(np.unique(few.source[judged(few)]))
    assert told == list(range(sources))
    assert 0 < found["conformal"]["n"] <= len(judged(few))
    assert found["conformal"]["validated"] is False
    assert found["threshold"]["n"] <= found["conformal"]["n"]
    for one in found["conflict"].values():
        tells = one["hits"]["low"] > one["false_alarms"]["value"]
        assert one["threshold"] == (one["judged_at"] if tells else None)
        assert 0 <= one["judged_at"] <= 1
    assert set(found["scores"]) == {"without_gps", "with_gps"}
    assert all(set(both) == {"image", "fused"} for both in found["scores"].values())


def test_the_command_writes_and_tells(
    heads: Folds, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`study --json` writes the document and prints its figures; its help has an example."""
    asked: list[Size] = []

    def studied(_: Embeddings, given: Folds, *, size: Size, **__: object) -> dict[str, Any]:
        assert given is heads
        asked.append(size)
        return document

    monkeypatch.setattr(evaluate, "leave_sources_out", lambda *_: heads)
    monkeypatch.setattr("training.fusion.study.study", studied)
    place = tmp_path / "study.json"
    done = CliRunner().invoke(app.app, ["study", "--draws", "3", "--json", str(place)])
    assert done.exit_code == 0, done.output
    assert [size.draws for size in asked] == [3]
    written = json.loads(place.read_text(encoding="utf-8"))
    assert f"ships: {written['chosen']}" in done.output
    assert re.search(r"pixels against metadata: 0\.\d\d found at", done.output)
    assert "Example" in CliRunner().invoke(app.app, ["study", "--help"]).output
