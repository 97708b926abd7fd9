"""Exporting backbones: needs torch (`make test-training`)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx.numpy_helper
import pytest
import torch

from local.stack import Options, Stack
from tests.end_to_end.harness import Reader, Worker, send_all
from tests.end_to_end.records import check_valid
from tests.training.test_dataset import EXAMPLE_ROWS, as_training_set
from training.engines import repository
from training.engines.parity import compare
from training.engines.reference import onnx_embeddings
from training.places import BACKBONE, EXAMPLES
from worker.edges.card import load
from worker.errors import Refuse
from worker.prepare.decode import DecodeLimits, Target, decode
from worker.record import Pixels

pytestmark = [
    pytest.mark.training,
    # torch's own use of what it deprecates; ours is filtered where it is called.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def pixels(names: list[str], size: int) -> Pixels:
    """Example photos as a backbone takes them."""
    limits, target = DecodeLimits(50_000_000, 20_000), Target(size, 0.875)
    return np.stack([decode((EXAMPLES / name).read_bytes(), limits, target).pixels for name in names])


def parted(model: bytes) -> tuple[str, dict[str, npt.NDArray[np.float32]]]:
    """A model's graph without its weights, as a hash, and the weights by name."""
    document = onnx.load_from_string(model)
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in document.graph.initializer}
    del document.graph.initializer[:]
    return hashlib.sha256(document.SerializeToString(deterministic=True)).hexdigest(), weights


def test_the_committed_backbone_is_what_an_export_gives() -> None:
    """The same graph and, to the rounding of float32, the same weights; within rounding of torch on photos.

    Byte for byte only on one kind of processor: torch folds the batch norms into the convolutions with
    whatever vector instructions there are.
    """
    from training.backbones import BACKBONES  # noqa: PLC0415 - needs torch
    from training.export import export, reference  # noqa: PLC0415 - likewise

    embedder = BACKBONES["lite2"].load(None)
    (graph, weights), (committed_graph, committed) = (
        parted(export(embedder, size=260)),
        parted(BACKBONE.read_bytes()),
    )
    assert graph == committed_graph
    assert weights.keys() == committed.keys()
    for name, values in weights.items():
        scale = np.abs(committed[name]).max()
        assert np.abs(values - committed[name]).max() <= 1e-6 * scale, name
    photos = pixels([row["file"] for row in EXAMPLE_ROWS], 260)
    parity = compare(reference(embedder, photos), onnx_embeddings(BACKBONE.read_bytes(), photos))
    assert parity.max_abs_difference < 1e-4
    assert parity.min_cosine > 0.99999


@pytest.mark.parametrize(
    ("file", "classes"),
    [
        # ImageNet's numbers: king penguin; volcano; llama or Arabian camel or sorrel; library or bookshop.
        ("antarctica-emperor-penguins.jpg", {145}),
        ("oceania-kilauea.jpg", {980}),
        ("south-america-llamas.jpg", {355}),
        ("north-america-new-york-library.jpg", {624, 454}),
    ],
)
def test_the_embedding_still_knows_what_it_sees(file: str, classes: set[int]) -> None:
    """ImageNet's own classifier on the exported embedding names the thing: weights and activations fit."""
    from training.backbones import BACKBONES  # noqa: PLC0415 - needs torch

    embedding = onnx_embeddings(BACKBONE.read_bytes(), pixels([file], 260))
    with torch.inference_mode():
        scores = BACKBONES["lite2"].load(None).network._fc(torch.from_numpy(embedding))[0]
    assert classes & set(scores.topk(3).indices.tolist())


@pytest.fixture(scope="module")
def b3_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of EfficientNet-B3 whose batch norms have seen photos.

    With the statistics of a fresh network its activations sink into denormals and run 40 times slower; on
    photos that they have not seen, those of a random one explode.
    """
    from torchvision.models import efficientnet_b3  # noqa: PLC0415 - needs torch

    torch.manual_seed(0)
    network = efficientnet_b3(weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # cumulative averages
    photos = pixels([row["file"] for row in EXAMPLE_ROWS], 300)
    with torch.no_grad():
        network.train()(torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255 * 4 - 2)
    path = tmp_path_factory.mktemp("weights") / "b3.pt"
    torch.save(network.state_dict(), path)
    return path


def test_b3_goes_the_same_way_from_weights_to_the_worker(b3_weights: Path, tmp_path: Path) -> None:
    """Export, heads, card, engines, Triton, Kafka and a real worker: photos come out classified at 300 px."""
    from training import export, train  # noqa: PLC0415 - needs torch

    models = tmp_path / "models"
    onnx = models / "efficientnet" / "1" / "model.onnx"
    (tmp_path / "photos").mkdir()
    rows = [row | {"group": f"test-{row['group']}"} for row in EXAMPLE_ROWS]
    photos = as_training_set(tmp_path / "photos", rows)
    export.main(
        ["--backbone", "b3", "--weights", str(b3_weights), "--output", str(onnx), "--photos", str(photos)]
    )
    card = json.loads((models / "efficientnet" / "card.json").read_text(encoding="utf-8"))
    assert card["output"]["shape"] == ["batch", 1536]
    assert card["export"]["parity_with_torch"]["min_cosine"] > 0.9999
    train.main(["--models", str(models), "--photos", str(photos)])
    engines = repository.build(repository.plan(models, target="cpu", precision="fp32"), tmp_path / "engines")
    place = models / "continent" / "card.json"
    assert load(place).preprocessing.size == 300
    with Stack.start(Options(models=engines)) as stack:
        settings = {
            "PANGAEA_KAFKA__BOOTSTRAP": stack.kafka,
            "PANGAEA_TRITON__URL": stack.triton,
            "PANGAEA_CARD": str(place),
        }
        reader = Reader(stack.kafka)
        worker = Worker(settings, tmp_path / "worker.log").ready()
        names = [row["file"] for row in EXAMPLE_ROWS[:4]]
        sent = send_all(stack.kafka, [((EXAMPLES / name).read_bytes(), None) for name in names])
        seen = reader.until(len(sent), 60)
        assert {each.source for each in seen} == set(sent)
        check_valid(seen)
        assert {each.document["model"]["card"] for each in seen} == {load(place).id}
        assert worker.stop() == 0
        reader.close()


def test_weights_that_are_no_state_dict_are_refused(tmp_path: Path) -> None:
    """A pickle that would run code, another network's weights and no path each get one sentence."""
    from training.backbones import BACKBONES  # noqa: PLC0415 - needs torch

    class Runs:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"weight": Runs()}, tmp_path / "bad.pt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    for name in ("bad.pt", "other.pt"):
        with pytest.raises(Refuse, match="is not a state dict of this architecture"):
            BACKBONES["b3"].load(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(Refuse, match="--weights PATH"):
        BACKBONES["b3"].load(None)
    with pytest.raises(Refuse, match="cannot be read"):
        BACKBONES["lite2"].load(tmp_path / "missing.pt")
