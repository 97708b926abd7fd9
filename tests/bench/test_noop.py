"""The engine that answers constants: a real Triton serves it, an unchanged worker takes it for its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from bench import noop
from bench.noop import NoOp
from local import engines
from local.stack import Options, Stack
from tests.end_to_end.harness import Reader, Worker, event, send_all
from training.places import CARD
from worker.edges import card as cards
from worker.errors import Refuse
from worker.finish.probability import posterior

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "photos"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> NoOp:
    """Repository and card."""
    return noop.write(tmp_path_factory.mktemp("noop"))


@pytest.fixture(scope="module")
def running(written: NoOp) -> Iterator[Stack]:
    """A stack that serves it."""
    with Stack.start(Options(models=written.repository)) as stack:
        yield stack


def described(repository: Path) -> dict[str, list[str]]:
    """What each model of a repository takes and gives, as its configuration has it."""
    about = ("name:", "max_batch_size:", "input ", "output ")
    return {
        path.parent.name: [line for line in path.read_text().splitlines() if line.startswith(about)]
        for path in repository.glob("*/config.pbtxt")
    }


def test_it_has_our_models_names_and_shapes(written: NoOp) -> None:
    """Whoever can ask the real engines can ask this one: all three models, inputs and outputs alike."""
    ours = described(written.repository)
    assert set(ours) == {"continent", "efficientnet", "fusion"}
    assert all(len(lines) == 4 for lines in ours.values())
    assert ours == described(engines.build())


@pytest.mark.parametrize("photos", [1, 3, 8])
def test_it_answers_every_photo_the_same(running: Stack, photos: int) -> None:
    """A batch of any size gets as many answers, each the constants, whatever the photos show."""
    constants = noop.constants(5, 7)
    with InferenceServerClient(running.triton) as client:
        for seed in range(3):
            pixels = np.random.default_rng(seed).integers(0, 256, (photos, 260, 260, 3), np.uint8)
            image = InferInput("image", list(pixels.shape), "UINT8")
            image.set_data_from_numpy(pixels)
            told = InferInput("evidence", [photos, 63], "FP32")
            told.set_data_from_numpy(np.full((photos, 63), seed, np.float32))
            answer = client.infer("continent", [image, told])
            for stage in ("stage1_logits", "stage2_logits"):
                logits = answer.as_numpy(stage)
                assert logits.dtype == np.float32
                assert np.array_equal(logits, np.broadcast_to(constants, (photos, 5, 7)))
            assert np.array_equal(answer.as_numpy("gates"), np.zeros((photos, 7), np.float32))


def test_a_worker_works_with_it_unchanged(running: Stack, written: NoOp, tmp_path: Path) -> None:
    """A real worker that is given its card starts, and every photo's record is that of the constants."""
    reader = Reader(running.kafka)
    environment = {
        "PANGAEA_KAFKA__BOOTSTRAP": running.kafka,
        "PANGAEA_TRITON__URL": running.triton,
        "PANGAEA_CARD": str(written.card),
    }
    worker = Worker(environment, tmp_path / "worker.log").ready()
    photos = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.jpg"))[:5]]
    send_all(running.kafka, [(photo, event(f"p{n}")) for n, photo in enumerate(photos)])
    seen = reader.until(len(photos))
    assert worker.stop() == 0
    reader.close()
    block = cards.load(written.card).precisions["fp32"]
    p = posterior(noop.constants(5, 7), temperature=block.temperature, student_t=2.7764451051977934).p
    assert {each.document["photo_id"] for each in seen} == {f"p{n}" for n in range(5)}
    for each in seen:
        found = [one["p"] for one in each.document["continents"].values()]
        assert found == pytest.approx(p, abs=1e-6)
        assert each.document["model"]["card"] == "no-op"


def test_it_is_not_taken_for_the_real_engine(running: Stack, tmp_path: Path) -> None:
    """A worker with the real card refuses it: no photo is ever answered by constants by mistake."""
    environment = {
        "PANGAEA_KAFKA__BOOTSTRAP": running.kafka,
        "PANGAEA_TRITON__URL": running.triton,
        "PANGAEA_CARD": str(CARD),
    }
    worker = Worker(environment, tmp_path / "worker.log")
    assert worker.ended() == 1
    assert "was not made from the file that the card" in worker.said()


def test_models_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A folder without models is one sentence with the mend, and nothing is left half written."""
    with pytest.raises(Refuse, match=r"cannot be read .*: give a folder of models"):
        noop.write(tmp_path / "to", tmp_path / "from")
    assert not (tmp_path / "to").exists()
