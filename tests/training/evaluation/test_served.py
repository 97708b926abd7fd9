"""The whole command against a real engine: what it says is what the worker says."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from local.stack import Stack
from tests.training.evaluation.invented import silent
from training.evaluation import labelled, run
from training.evaluation.predicted import predicted
from training.evaluation.run import Plan
from training.evaluation.served import Submitted, serve, submitted
from training.places import CARD, EXAMPLES
from worker.edges.card import load
from worker.edges.triton import Engine
from worker.errors import Refuse
from worker.finish.probability import posterior
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
    """A group of the training photos among the folder's: scores for all, for the others, and a note."""
    seen = next(iter(sorted(run.fitted_groups(Plan().models, load(CARD)))))
    lines = ["file,continent,group"]
    for number, photo in enumerate(labelled.read(EXAMPLES).photos[:5]):
        (tmp_path / f"{number}.jpg").write_bytes(photo.path.read_bytes())
        lines.append(f"{number}.jpg,{SLUGS[photo.label]},{seen if number < 2 else number}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = run.of_folder(Plan(manifest=tmp_path, triton=stack.triton, corruptions=False), silent)
    assert found.summary.n == 5
    assert found.others["photos that the model was not fitted on"].n == 3
    assert any(note.startswith("2 of the 5 photos") for note in found.notes)


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
