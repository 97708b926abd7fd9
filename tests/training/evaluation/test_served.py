"""The whole command against a real engine: what it says is what the worker says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from local.stack import Stack
from tests.training.evaluation.invented import located, silent
from training import embeddings
from training.embeddings import Embeddings
from training.evaluation import labelled, run
from training.evaluation.ablations import log_p
from training.evaluation.evaluation import WITH_GPS
from training.evaluation.nested import Meter
from training.evaluation.predicted import predicted
from training.evaluation.run import Plan
from training.evaluation.served import Served, Submitted, serve, submitted
from training.evaluation.shipped import NAME, joining
from training.places import CARD, EMBEDDINGS, EXAMPLES, MODELS
from worker.edges.card import load
from worker.edges.triton import Engine
from worker.errors import Refuse
from worker.finish.probability import posterior, softmax
from worker.prepare.decode import DecodeLimits
from worker.prepare.prepare import prepare
from worker.record import SLUGS, Answer, Prediction, Rejection
from worker.settings import Settings


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    """A worker's settings, its Triton the running one."""
    return Settings(triton={"url": stack.triton})  # type: ignore[arg-type] # pydantic makes it a group


def test_outcomes_are_the_engines_answers_in_order(settings: Settings) -> None:
    """Photos that overtake each other come out in their places, with what the engine says of each alone."""
    photos = labelled.read(EXAMPLES).photos[:6]
    files = [partial(submitted, photo) for photo in photos]
    said = serve([*files, lambda: Submitted(b"no image")], settings, silent)
    assert isinstance(said.outcomes[6], Rejection)
    assert said.outcomes[6].reason == "unsupported_format"
    card = load(CARD)
    found = predicted([*photos, photos[0]], said.outcomes)
    assert found.rejected == {"unsupported_format": 1}
    assert found.rows == (0, 1, 2, 3, 4, 5)

    async def alone() -> list[Answer]:
        engine = Engine(settings.triton, evidence=True)
        limits = DecodeLimits(settings.limit.pixels, settings.limit.side)
        asked = [prepare(photo.path.read_bytes(), limits, card.target, now=time.time()) for photo in photos]
        answers = [(await engine.infer([each], 10.0))[0] for each in asked]
        await engine.close()
        return answers

    for row, answer in enumerate(asyncio.run(alone())):
        own = posterior(answer.stage2, temperature=said.recipe.temperature, student_t=said.recipe.student_t)
        assert found.final.p[row] == pytest.approx(own.p, abs=0.02)
        best = own.p.argmax()
        assert found.final.sureness[row] == pytest.approx(own.low[best], abs=0.02)
    assert found.final.truth.label.tolist() == [photo.label for photo in photos]


def test_sets_and_calls_are_the_predictions_own(settings: Settings) -> None:
    """Nothing is decided anew: the sets, the decision and its reason are those of the record."""
    photos = labelled.read(EXAMPLES).photos[:4]
    said = serve([partial(submitted, photo) for photo in photos], settings, silent)
    found = predicted(photos, said.outcomes)
    assert found.final.sets is not None
    for row, outcome in enumerate(said.outcomes):
        assert isinstance(outcome, Prediction)
        held = {slug for slug, inside in zip(SLUGS, found.final.sets[row], strict=True) if inside}
        assert held == set(outcome.conformal_set)
    assert found.reasons == {"model_unqualified": 4}
    assert not found.final.called.any() if found.final.called is not None else False


def test_the_command_writes_what_it_found(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of one's own, through the engine: JSON by the promised names, a page, nothing personal."""
    lines = ["file,continent,source,captiontext,group"]
    for number, photo in enumerate(labelled.read(EXAMPLES).photos[:6]):
        name = f"private-{number}.jpg"
        (tmp_path / name).write_bytes(photo.path.read_bytes())
        lines.append(f"{name},{SLUGS[photo.label]},s{number % 2},secret words of Nairobi {number},g{number}")
    lines += ["gone.jpg,asia,s1,,", "broken.jpg,asia,s1,,"]
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = Plan(
        manifest=manifest,
        triton=stack.triton,
        corruptions=False,
        json=tmp_path / "out" / "scores.json",
        html=tmp_path / "out" / "scores.html",
    )
    assert run.evaluate(plan) == 0
    document = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert (document["n"], document["groups"], document["sources"]) == (6, 6, 2)
    assert document["counts"]["passed_over"] == {"missing": 1}
    assert sum(document["counts"]["rejected"].values()) == 1
    assert document["counts"]["evidence"]["caption"] == 6
    assert document["abstained"]["value"] == 1.0
    assert document["model"]["card"] == load(CARD).id
    assert {row["parts"] for row in document["ablations"]} >= {"visual", "metadata", "visual + metadata"}
    everything = capsys.readouterr()
    for text in (
        (tmp_path / "out" / "scores.json").read_text(encoding="utf-8"),
        (tmp_path / "out" / "scores.html").read_text(encoding="utf-8"),
        everything.out,
        everything.err,
    ):
        assert "private-" not in text
        assert "secret" not in text
        assert "Nairobi" not in text


def test_photos_that_the_model_was_fitted_on_are_told_apart(stack: Stack, tmp_path: Path) -> None:
    """A group of the training photos' source among the folder's: scores for all, for the others, a note.

    A group of another source that only has its name is none of theirs.
    """
    fitted = embeddings.load(EMBEDDINGS)
    group, source = fitted.group[0], fitted.source[0]
    lines = ["file,continent,group,source"]
    for number, photo in enumerate(labelled.read(EXAMPLES).photos[:5]):
        (tmp_path / f"{number}.jpg").write_bytes(photo.path.read_bytes())
        where = f"{group},{source}" if number < 2 else f"{group},mine" if number == 2 else f"{number},mine"
        lines.append(f"{number}.jpg,{SLUGS[photo.label]},{where}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = run.of_folder(Plan(manifest=tmp_path, triton=stack.triton, corruptions=False), silent)
    assert found.summary.n == 5
    assert found.others["photos that the model was not fitted on"].n == 3
    assert any(note.startswith("2 of the 5 photos") for note in found.notes)


def test_whoever_cannot_tell_says_so(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the embeddings of the training photos nobody knows which photos are among them."""

    def gone(_models: Path) -> Embeddings:
        raise Refuse("they are not there.")

    monkeypatch.setattr(run, "_embeddings", gone)
    photo = labelled.read(EXAMPLES).photos[0]
    (tmp_path / "manifest.csv").write_text(f"file,continent\n{photo.path},asia\n", encoding="utf-8")
    found = run.of_folder(Plan(manifest=tmp_path, triton=stack.triton, corruptions=False), silent)
    assert any(note.startswith("Nobody can tell which of these photos") for note in found.notes)


def test_the_headline_never_looks_at_gps(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position moves the scores that are named for it and no others; only its photos go through again.

    Where the operator's policy forbids GPS, nothing is looked at and nothing is scored by it.
    """
    lines = ["file,continent"]
    for number, photo in enumerate(labelled.read(EXAMPLES).photos[:4]):
        (tmp_path / f"{number}.jpg").write_bytes(
            located(photo.path) if number == 1 else photo.path.read_bytes()
        )
        lines.append(f"{number}.jpg,africa")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sent: list[int] = []

    def counted(photos: Sequence[Callable[[], Submitted]], settings: Settings, meter: Meter) -> Served:
        sent.append(len(photos))
        assert settings.evidence.gps == (len(sent) == 2)
        return serve(photos, settings, meter)

    monkeypatch.setattr(run, "serve", counted)
    plan = Plan(manifest=tmp_path, triton=stack.triton, corruptions=False)
    found = run.of_folder(plan, silent)
    assert sent == [4, 1]
    assert found.counts["evidence"]["gps"] == 0
    assert found.counts["evidence"]["clock"] == 0
    nll = [each.figures["nll"].value or 0.0 for each in (found.others[WITH_GPS], found.summary)]
    assert nll[0] < nll[1] - 0.1
    rows = {row.parts: row for row in found.ablations}
    assert (rows["visual + metadata + gps"].nll_change.value or 0.0) < -0.1
    assert found.joined_by == NAME

    sent.clear()
    monkeypatch.setenv("PANGAEA_EVIDENCE__GPS", "false")
    closed = run.of_folder(plan, silent)
    assert sent == [4]
    assert WITH_GPS not in closed.others
    assert "visual + metadata + gps" not in {row.parts for row in closed.ablations}
    assert closed.summary.figures["nll"].value == pytest.approx(nll[1], abs=0.01)


def test_the_table_of_parts_is_joined_as_the_engine_joins(settings: Settings) -> None:
    """The gates, cut out of their file, say of pixels and evidence what the engine said of the photo."""
    photos = labelled.read(EXAMPLES).photos[:4]
    files = [
        partial(Submitted, photo.path.read_bytes(), caption=f"{place} in spring", timezone="Asia/Tokyo")
        for photo, place in zip(photos, ("Kyoto", "Nairobi", "Lima", "Oslo"), strict=True)
    ]
    said = serve(files, settings, silent)
    found = predicted(photos, said.outcomes)
    assert not np.allclose(found.visual.p, found.final.p, atol=0.05)
    model = (MODELS / "fusion" / "1" / "model.onnx").read_bytes()
    fuse = joining(model, temperature=said.recipe.temperature).fuse
    fused = softmax(fuse(log_p(found.visual.p), found.evidence).mean(axis=1))
    assert fused == pytest.approx(found.final.p, abs=5e-3)


def test_a_photo_that_is_gone_by_its_turn_is_a_rejection(settings: Settings) -> None:
    """The others are answered."""
    photo = labelled.read(EXAMPLES).photos[0]
    gone = replace(photo, path=photo.path.with_name("gone.jpg"))
    said = serve([partial(submitted, gone), partial(submitted, photo)], settings, silent)
    assert isinstance(said.outcomes[1], Prediction)
    assert predicted([gone, photo], said.outcomes).rejected == {"payload_unavailable": 1}


def test_the_engine_is_let_go_whatever_happens(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo that ends the run: the connection is closed, and the reason comes out as it was."""
    closed: list[bool] = []
    close = Engine.close

    async def watched(self: Engine) -> None:
        closed.append(True)
        await close(self)

    def fails() -> Submitted:
        raise Refuse("no further.")

    monkeypatch.setattr(Engine, "close", watched)
    with pytest.raises(Refuse, match="no further"):
        serve([fails], settings, silent)
    assert closed == [True]


def test_corruptions_go_through_the_same_engine(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many photos, each in every case; some answers stay what they were, and some do not."""
    monkeypatch.setattr(run, "MOST_CORRUPTED", 2)
    lines = ["file,continent"]
    for number, photo in enumerate(labelled.read(EXAMPLES).photos[:3]):
        (tmp_path / f"{number}.jpg").write_bytes(photo.path.read_bytes())
        lines.append(f"{number}.jpg,{SLUGS[photo.label]}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = run.of_folder(Plan(manifest=tmp_path, triton=stack.triton), silent)
    assert len(found.robustness) == 33
    assert found.robustness_photos == "2 of these photos"
    agreement = [row.agreement.value or 0.0 for row in found.robustness]
    assert 0.2 < np.mean(agreement) < 1


def test_an_engine_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """With the mend, and not a traceback."""
    (tmp_path / "a.jpg").write_bytes((EXAMPLES / "europe-bern.jpg").read_bytes())
    (tmp_path / "manifest.csv").write_text("file,continent\na.jpg,europe\n", encoding="utf-8")
    with pytest.raises(Refuse, match="no Triton serves"):
        run.evaluate(Plan(manifest=tmp_path, triton="127.0.0.1:9", corruptions=False))


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    """Before anything is started."""
    with pytest.raises(Refuse, match="card"):
        run.evaluate(Plan(models=tmp_path, triton="127.0.0.1:9"))
