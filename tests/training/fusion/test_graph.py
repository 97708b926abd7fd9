"""The ONNX file computes what the models say."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.training.fusion.models import any_gates, any_mlp
from training.fusion import graph
from training.fusion.gated import Gates
from training.fusion.mlp import Mlp
from training.fusion.pool import Pool
from training.heads import Heads
from training.uncertainty import known

WIDTH = 24
TEMPERATURE = 2.5


@pytest.fixture(scope="module")
def heads() -> Heads:
    """Two random heads."""
    rng = np.random.default_rng(0)
    return Heads(weight=rng.normal(0, 0.4, (2, 7, WIDTH)), bias=rng.normal(size=(2, 7)))


MODELS: dict[str, Gates | Pool | Mlp] = {
    "gated": any_gates(1),
    "pool": Pool(weight=np.random.default_rng(1).uniform(0, 1, (2, 7))),
    "mlp": any_mlp(1),
}


def session(file: bytes) -> onnxruntime.InferenceSession:
    """The file in ONNX Runtime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batch", [1, 33])
def test_the_file_agrees_with_numpy(heads: Heads, name: str, batch: int) -> None:
    """Fused logits and gates by ONNX Runtime are those of the model, whatever the batch."""
    model = MODELS[name]
    embedding = np.random.default_rng(batch).normal(size=(batch, WIDTH)).astype(np.float32)
    evidence = known.draw(batch, seed=batch).samples.evidence
    stage1, stage2, gates = session(graph.write(heads, model, temperature=TEMPERATURE)).run(
        None, {"embedding": embedding, "evidence": evidence.vectors()}
    )
    logits = heads.logits(embedding.astype(np.float64))
    assert stage1 == pytest.approx(logits, abs=1e-5)
    assert stage2 / TEMPERATURE == pytest.approx(model.fuse(logits / TEMPERATURE, evidence), abs=2e-5)
    assert gates.shape == (batch, 7)
    if isinstance(model, Gates):
        opened = model.open(logits.mean(axis=1) / TEMPERATURE, evidence).mean(axis=1)
        assert gates == pytest.approx(opened, abs=1e-5)
    elif isinstance(model, Pool):
        assert gates == pytest.approx(model.open(evidence).mean(axis=1), abs=1e-6)
    else:
        assert gates == pytest.approx(evidence.present)


@pytest.mark.parametrize("name", MODELS)
def test_without_evidence_both_stages_are_one(heads: Heads, name: str) -> None:
    """Bit for bit, also where an absent stream's place is full of numbers; and every gate is shut."""
    file = session(graph.write(heads, MODELS[name], temperature=TEMPERATURE))
    embedding = np.random.default_rng(2).normal(size=(9, WIDTH)).astype(np.float32)
    noise = np.random.default_rng(3).normal(size=(9, 7, 9)).astype(np.float32)
    noise[:, :, 0] = 0
    for evidence in (np.zeros((9, 63), dtype=np.float32), noise.reshape(9, 63)):
        stage1, stage2, gates = file.run(None, {"embedding": embedding, "evidence": evidence})
        assert (stage1 == stage2).all()
        assert not gates.any()


@pytest.mark.parametrize("name", MODELS)
def test_what_stands_in_the_place_of_an_absent_stream_changes_nothing(heads: Heads, name: str) -> None:
    """Numbers left where a stream is absent, beside streams that are present, move no output by a bit."""
    file = session(graph.write(heads, MODELS[name], temperature=TEMPERATURE))
    embedding = np.random.default_rng(4).normal(size=(9, WIDTH)).astype(np.float32)
    clean = known.draw(9, seed=4).samples.evidence.vectors().reshape(9, 7, 9)
    noise = np.random.default_rng(5).normal(size=clean.shape).astype(np.float32)
    noise[:, :, 0] = 0
    dirty = np.where(clean[:, :, :1] > 0, clean, noise)
    assert (dirty != clean).any()
    answers = [
        file.run(None, {"embedding": embedding, "evidence": one.reshape(9, 63)}) for one in (clean, dirty)
    ]
    for before, after in zip(*answers, strict=True):
        assert (before == after).all()


def test_the_same_models_give_the_same_bytes(heads: Heads) -> None:
    """A hash of the file is a hash of the model."""
    for model in MODELS.values():
        assert graph.write(heads, model) == graph.write(heads, model)
    assert graph.write(heads, MODELS["gated"]) != graph.write(heads, MODELS["pool"])


def test_names_shapes_and_operators_are_the_contract(heads: Heads) -> None:
    """Inputs, outputs and their shapes; standard operators of one opset only."""
    model = onnx.load_from_string(graph.write(heads, MODELS["gated"]))

    def shapes(values: list[onnx.ValueInfoProto]) -> dict[str, list[str | int]]:
        return {
            each.name: [dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim]
            for each in values
        }

    assert shapes(model.graph.input) == {"embedding": ["batch", WIDTH], "evidence": ["batch", 63]}
    assert shapes(model.graph.output) == {
        "stage1_logits": ["batch", 2, 7],
        "stage2_logits": ["batch", 2, 7],
        "gates": ["batch", 7],
    }
    assert [(each.domain, each.version) for each in model.opset_import] == [("", graph.OPSET)]


def test_heads_alone_still_make_the_file_that_they_made(heads: Heads) -> None:
    """Without a fusion the file has one input and one output, and its weights can be read back."""
    file = graph.write(heads)
    model = onnx.load_from_string(file)
    assert [each.name for each in model.graph.input] == ["embedding"]
    assert [each.name for each in model.graph.output] == ["stage1_logits"]
    assert graph.weights(file)["weight"] == pytest.approx(
        heads.weight.reshape(14, WIDTH).T.astype(np.float32)
    )


def test_members_and_heads_must_match(heads: Heads) -> None:
    """Three members cannot be added to two heads."""
    models: tuple[Gates | Mlp, ...] = (any_gates(0, members=3), any_mlp(0, members=3))
    for model in models:
        with pytest.raises(ValueError, match="3 members does not go with 2 heads"):
            graph.write(heads, model)
