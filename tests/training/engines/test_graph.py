"""What TensorRT would be given, judged and mended without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.engines import graph, lower, quantised, tensorrt_engine
from training.engines.parity import compare, golden_pixels
from training.engines.reference import onnx_embeddings
from training.places import BACKBONE, HEADS, MODELS
from worker.errors import Refuse


def changed(model: bytes, change: Any) -> bytes:
    """The file after a change of its graph."""
    loaded = onnx.load_from_string(model)
    change(loaded)
    return bytes(loaded.SerializeToString())


@pytest.fixture(scope="module")
def plain() -> bytes:
    """The committed backbone, made plain."""
    return lower.plain(BACKBONE.read_bytes())


def test_the_committed_backbone_is_mended_by_making_it_plain(plain: bytes) -> None:
    """As exported it transposes bytes, which TensorRT does not do; plain, nothing speaks against it."""
    (problem,) = graph.report(BACKBONE.read_bytes()).problems
    assert problem.startswith("Transpose works on bytes")
    found = graph.report(plain)
    assert found.problems == ()
    assert found.operators["Conv"] == 64
    assert "Pad" not in found.operators
    assert "Constant" not in found.operators
    assert graph.report(HEADS.read_bytes()).problems == ()


def test_plain_and_half_answer_as_the_source_does(plain: bytes) -> None:
    """Plain: the same embeddings to the last digits; in float16: a cosine above .999, and no problem."""
    photos = golden_pixels(tuple(sorted((MODELS / "continent" / "golden").glob("*.jpg"))), 260)
    reference = onnx_embeddings(BACKBONE.read_bytes(), photos)
    assert compare(reference, onnx_embeddings(plain, photos)).max_abs_difference < 1e-4
    half = lower.half(plain)
    assert len(half) < 0.52 * len(plain)
    assert compare(reference, onnx_embeddings(half, photos)).min_cosine > 0.999
    assert graph.report(half).problems == ()


def test_bytes_are_cast_first_and_nothing_else_moves(backbone: bytes, photos: npt.NDArray[np.uint8]) -> None:
    """Transposition and cast change places; the answers are the same, bit for bit."""
    plain = lower.plain(backbone)
    kinds = [node.op_type for node in onnx.load_from_string(plain).graph.node]
    assert kinds[:2] == ["Cast", "Transpose"]
    assert np.array_equal(onnx_embeddings(plain, photos), onnx_embeddings(backbone, photos))


def test_what_comes_half_keeps_its_ends(plain: bytes) -> None:
    """Bytes in, float32 out: what is outside does not learn of the float16 inside."""
    half = onnx.load_from_string(lower.half(plain))
    assert half.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert half.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    weights = [one.data_type for one in half.graph.initializer if len(one.dims) == 4]
    assert set(weights) == {TensorProto.FLOAT16}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: setattr(m.opset_import[0], "version", 24), "opset 24 is not within 9 to 20"),
        (lambda m: setattr(m.graph.node[3], "op_type", "Hardmax"), "Hardmax is not one"),
        (lambda m: setattr(m.graph.node[3], "domain", "com.microsoft"), "is of the domain com.microsoft"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 1),
            "image has no free first dimension",
        ),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_param", "height"),
            "image has a free dimension besides the batch",
        ),
        (
            lambda m: setattr(m.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 5),
            "shapes of its tensors contradict",
        ),
    ],
)
def test_what_tensorrt_would_refuse_is_named(backbone: bytes, change: Any, problem: str) -> None:
    """Each rule by a file that breaks it."""
    problems = graph.report(changed(lower.plain(backbone), change)).problems
    assert any(problem in one for one in problems), problems


def test_numbers_of_double_precision_are_named(backbone: bytes) -> None:
    """A cast to float64 inside is found by shape inference."""

    def through_double(model: Any) -> None:
        there = helper.make_node("Cast", ["positive"], ["wide"], to=TensorProto.DOUBLE)
        back = helper.make_node("Cast", ["wide"], ["narrow"], to=TensorProto.FLOAT)
        mean = model.graph.node[-1]
        mean.input[0] = "narrow"
        nodes = [*model.graph.node[:-1], there, back, mean]
        copies = [onnx.NodeProto.FromString(one.SerializeToString()) for one in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)

    problems = graph.report(changed(backbone, through_double)).problems
    assert "Cast gives numbers of double precision" in problems


def replaced(name: str, value: npt.NDArray[Any]) -> Any:
    """A change that puts another constant in place of one."""

    def change(model: Any) -> None:
        for one in model.graph.initializer:
            if one.name == name:
                one.CopyFrom(numpy_helper.from_array(value, name))

    return change


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("seen_zero", np.array(0, dtype=np.uint8), "not of signed 8-bit integers"),
        ("step_zero", np.ones(6, dtype=np.int8), "a zero point that is not 0"),
        ("step", np.zeros(6, dtype=np.float32), "a scale that is not above 0"),
    ],
)
def test_quantisers_that_tensorrt_does_not_have_are_named(
    quantised_backbone: bytes, name: str, value: npt.NDArray[Any], problem: str
) -> None:
    """Unsigned, shifted, or of no size."""
    problems = graph.report(changed(quantised_backbone, replaced(name, value))).problems
    assert any(problem in one for one in problems), problems


def test_problems_are_one_sentence_with_the_mend(backbone: bytes) -> None:
    """Before a GPU's time is spent: the first problem, how many there are, where to look."""
    graph.ensure_buildable(lower.plain(backbone), name="efficientnet")
    with pytest.raises(Refuse, match=r"would not read efficientnet: Transpose works on bytes.*engines graph"):
        graph.ensure_buildable(backbone, name="efficientnet")
    with pytest.raises(Refuse, match="no ONNX model"):
        graph.report(b"garbage")


def test_each_model_is_judged_in_each_precision_there_is(
    backbone: bytes, fusion: bytes, quantised_backbone: bytes, tmp_path: Path
) -> None:
    """Backbone in float32, float16 and what is quantised, heads in float32; no models: named."""
    for name, data in (("efficientnet", backbone), ("fusion", fusion)):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "model.onnx").write_bytes(data)
    found = tensorrt_engine.reports(tmp_path)
    assert sorted(found) == ["efficientnet fp16", "efficientnet fp32", "fusion fp32"]
    assert all(one.problems == () for one in found.values())
    int8 = tmp_path / "efficientnet" / "1" / quantised.FILE
    int8.write_bytes(quantised.stamped(quantised_backbone, backbone))
    also = tensorrt_engine.reports(tmp_path)["efficientnet int8"]
    assert (also.quantisers, also.problems) == (1, ())
    with pytest.raises(Refuse, match="--models"):
        tensorrt_engine.reports(tmp_path / "nowhere")
