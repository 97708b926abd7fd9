"""The built repository in a real Triton."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from tritonclient.grpc import InferenceServerClient, InferenceServerException, InferInput

from local.triton import Triton
from training.engines import openvino_engine, quantised, repository
from training.engines.reference import answers, onnx_embeddings, onnx_logits
from training.places import BACKBONE, CARD, HEADS, MODELS
from worker.edges.card import load
from worker.edges.tensors import inputs
from worker.edges.triton import Engine
from worker.errors import Refuse
from worker.opening import qualify
from worker.prepare.evidence.read import read
from worker.record import NO_EVIDENCE, Evidence, ImageSignals, Logits, Pixels, Prepared
from worker.settings import LimitSettings, TritonSettings


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in fp32."""
    work = repository.plan(MODELS, target="cpu", precision="fp32")
    return repository.build(work, tmp_path_factory.mktemp("engines") / "cpu")


@pytest.fixture(scope="module")
def triton(engines: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A server that serves it."""
    with Triton.start(tmp_path_factory.mktemp("triton"), engines) as server:
        yield server


@pytest.fixture(scope="module")
def photos() -> Pixels:
    """The golden photos, and one of noise."""
    golden = openvino_engine.golden_pixels(tuple(sorted((CARD.parent / "golden").glob("*.jpg"))), 260)
    noise = np.random.default_rng(0).integers(0, 256, (1, 260, 260, 3), dtype=np.uint8)
    return np.concatenate([golden, noise])


@pytest.fixture(scope="module")
def reference(photos: Pixels) -> Logits:
    """What ONNX Runtime says of them in float32."""
    return onnx_logits(HEADS.read_bytes(), onnx_embeddings(BACKBONE.read_bytes(), photos))


def ask(client: InferenceServerClient, photos: Pixels, told: Evidence = NO_EVIDENCE) -> Logits:
    """The ensemble's fused logits of a batch; without evidence they are the image's."""
    answer = client.infer("continent", asked(photos, told), client_timeout=20.0).as_numpy("stage2_logits")
    assert answer is not None
    return np.asarray(answer)


def asked(photos: Pixels, told: Evidence = NO_EVIDENCE) -> list[InferInput]:
    """A request for photos that all carry the same evidence."""
    signals = ImageSignals(brightness=0.5, sharpness=0.5)
    each = [Prepared(pixels=pixels, signals=signals, evidence=told) for pixels in photos]
    return inputs(each, evidence=True)


@pytest.mark.parametrize("size", range(1, 9))
def test_every_batch_size_answers_as_the_source_does(
    triton: Triton, photos: Pixels, reference: Logits, size: int
) -> None:
    """Batches of 1 to 8 give each photo the logits of the ONNX files, in order."""
    rows = np.arange(size) % len(photos)
    with InferenceServerClient(triton.url) as client:
        assert np.abs(ask(client, photos[rows]) - reference[rows]).max() < 1e-3


def test_evidence_reaches_the_heads(triton: Triton, photos: Pixels) -> None:
    """What fused logits a photo has with evidence is what the file of the heads says, in float32."""
    told = read(b"", timezone="Asia/Tokyo", language="ja", now=0.0)
    embeddings = onnx_embeddings(BACKBONE.read_bytes(), photos)
    feed = {"embedding": embeddings, "evidence": np.stack([told.vector()] * len(photos))}
    said = answers(HEADS.read_bytes(), feed)["stage2_logits"]
    with InferenceServerClient(triton.url) as client:
        found = ask(client, photos, told)
        assert np.abs(found - said).max() < 1e-3
        assert np.abs(found - ask(client, photos)).max() > 0.5


def test_requests_that_share_a_batch_get_their_own_answers(
    triton: Triton, photos: Pixels, reference: Logits
) -> None:
    """Sixty-four requests of one or two photos from eight threads: nobody gets a neighbour's answer."""

    def one(number: int) -> float:
        rows = np.array([number % 4, (number + 1) % 4])[: 1 + number % 2]
        return float(np.abs(ask(client, photos[rows]) - reference[rows]).max())

    with InferenceServerClient(triton.url) as client, ThreadPoolExecutor(8) as threads:
        assert max(threads.map(one, range(64))) < 1e-3


def test_requests_that_nobody_waits_for_are_not_run(triton: Triton, photos: Pixels) -> None:
    """A request's own timeout ends its waiting behind the ensemble: of twelve batches few are run."""
    waiting: queue.SimpleQueue[InferenceServerException | None] = queue.SimpleQueue()
    with InferenceServerClient(triton.url) as client:
        before = executed(client)
        request = asked(photos[np.arange(8) % 4])
        for _ in range(12):
            client.async_infer(
                "continent", request, lambda error, **_answer: waiting.put(error), timeout=1_000
            )
        errors = [error for error in (waiting.get(timeout=30) for _ in range(12)) if error is not None]
        assert all("request timeout expired" in str(error).lower() for error in errors)
        assert len(errors) >= 6
        # One that was run may still time out before the heads, so the errors do not tell how many were.
        assert executed(client) - before <= 8 * 6


def test_no_instance_keeps_to_one_processor(triton: Triton, photos: Pixels) -> None:
    """While it works every thread may run anywhere: bound, all instances would choose the first processor."""
    everywhere = os.sched_getaffinity(triton.pid)
    instances = psutil.Process(triton.pid).children(recursive=True)
    threads = [each.id for instance in instances for each in instance.threads()]
    with InferenceServerClient(triton.url) as client, ThreadPoolExecutor(2) as askers:
        answers = [askers.submit(ask, client, photos[np.arange(8) % 4]) for _ in range(6)]
        while not all(each.done() for each in answers):
            for thread in threads:
                assert os.sched_getaffinity(thread) == everywhere


def executed(client: InferenceServerClient) -> int:
    """How many photos the backbone has run."""
    statistics = client.get_inference_statistics("efficientnet", as_json=True)
    return int(statistics["model_stats"][0].get("inference_count", 0))


def test_the_worker_takes_the_engine(triton: Triton) -> None:
    """What the worker asks before its first photo: hashes, precision and golden photos against the card."""
    triton_settings = TritonSettings(url=triton.url)

    async def ask_all() -> str:
        engine = Engine(triton_settings, evidence=True)
        try:
            recipe = (
                await qualify(engine, load(CARD), CARD, triton=triton_settings, limit=LimitSettings())
            ).recipe
        finally:
            await engine.close()
        return recipe.precision

    assert asyncio.run(ask_all()) == "fp32"


def test_an_engine_that_changed_after_its_build_does_not_load(engines: Path, tmp_path: Path) -> None:
    """One byte of the heads on the disk, and the server refuses to be ready, saying why."""
    models = tmp_path / "models"
    shutil.copytree(engines, models)
    heads = models / "fusion" / "1" / "model.onnx"
    heads.write_bytes(heads.read_bytes() + b"\0")
    with pytest.raises(Refuse, match="has changed since it was built"):
        Triton.start(tmp_path / "logs", models)


def test_nothing_of_a_wrong_shape_is_answered(triton: Triton) -> None:
    """A photo of another size is the sender's error, and the engine goes on."""
    with InferenceServerClient(triton.url) as client:
        with pytest.raises(InferenceServerException, match="unexpected shape"):
            ask(client, np.zeros((1, 300, 300, 3), dtype=np.uint8))
        assert client.is_model_ready("continent")


def test_evidence_goes_through_int8_and_heads(
    tmp_path: Path, backbone: bytes, fusion: bytes, quantised_backbone: bytes
) -> None:
    """Photo and evidence in, three answers out, from a quantised backbone: as the files themselves say."""
    models = tmp_path / "models"
    for name, data in (("efficientnet", backbone), ("fusion", fusion)):
        (models / name / "1").mkdir(parents=True)
        (models / name / "1" / "model.onnx").write_bytes(data)
    int8 = quantised.stamped(quantised_backbone, backbone)
    (models / "efficientnet" / "1" / quantised.FILE).write_bytes(int8)
    work = repository.plan(models, target="cpu", precision="int8", instances=1)
    built = repository.build(work, tmp_path / "engines")
    rng = np.random.default_rng(3)
    photos = rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    evidence = rng.random((3, 63), dtype=np.float32)
    embeddings = openvino_engine.run(int8, photos, precision="int8")
    expected = answers(fusion, {"embedding": embeddings, "evidence": evidence})
    image, beside = InferInput("image", [3, 8, 8, 3], "UINT8"), InferInput("evidence", [3, 63], "FP32")
    image.set_data_from_numpy(photos)
    beside.set_data_from_numpy(evidence)
    with Triton.start(tmp_path, built) as server, InferenceServerClient(server.url) as client:
        found = client.infer("continent", [image, beside], client_timeout=20.0)
    assert set(expected) == {"stage1_logits", "stage2_logits", "gates"}
    for name, values in expected.items():
        answer = found.as_numpy(name)
        assert answer is not None
        assert np.abs(answer - values).max() < 1e-3
