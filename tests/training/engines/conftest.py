"""A backbone and heads so small that building with them takes no time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper, numpy_helper

from worker.record import NO_EVIDENCE

SIDE, WIDTH = 8, 6
EVIDENCE = len(NO_EVIDENCE.vector())


def model(
    nodes: list[Any],
    inputs: Mapping[str, tuple[int, list[Any]]],
    outputs: Mapping[str, list[Any]],
    constants: Mapping[str, npt.NDArray[Any]],
    opset: int = 17,
) -> bytes:
    """An ONNX file of these nodes."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", opset)])
    return bytes(made.SerializeToString())


@pytest.fixture(scope="session")
def backbone() -> bytes:
    """Bytes transposed, then cast, as the exporter leaves them; a convolution, a mean."""
    rng = np.random.default_rng(0)
    return model(
        [
            helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["turned"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Conv", ["real", "weight"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["positive"]),
            helper.make_node("ReduceMean", ["positive"], ["embedding"], axes=[2, 3], keepdims=0),
        ],
        {"image": (TensorProto.UINT8, ["batch", SIDE, SIDE, 3])},
        {"embedding": ["batch", WIDTH]},
        {"weight": (rng.normal(size=(WIDTH, 3, 3, 3)) / 100).astype(np.float32)},
    )


@pytest.fixture(scope="session")
def fusion() -> bytes:
    """Heads that also take evidence and give two more answers."""
    rng = np.random.default_rng(1)
    return model(
        [
            helper.make_node("Gemm", ["embedding", "weight"], ["flat"]),
            helper.make_node("Reshape", ["flat", "shape"], ["stage1_logits"]),
            helper.make_node("MatMul", ["evidence", "opening"], ["gates"]),
            helper.make_node("Gemm", ["evidence", "adding"], ["added"]),
            helper.make_node("Reshape", ["added", "shape"], ["more"]),
            helper.make_node("Add", ["stage1_logits", "more"], ["stage2_logits"]),
        ],
        {
            "embedding": (TensorProto.FLOAT, ["batch", WIDTH]),
            "evidence": (TensorProto.FLOAT, ["batch", EVIDENCE]),
        },
        {"stage1_logits": ["batch", 5, 7], "stage2_logits": ["batch", 5, 7], "gates": ["batch", 7]},
        {
            "weight": rng.normal(size=(WIDTH, 35)).astype(np.float32),
            "opening": rng.normal(size=(EVIDENCE, 7)).astype(np.float32),
            "adding": rng.normal(size=(EVIDENCE, 35)).astype(np.float32),
            "shape": np.array([-1, 5, 7], dtype=np.int64),
        },
    )


@pytest.fixture(scope="session")
def quantised_backbone() -> bytes:
    """The backbone with quantisers as NNCF writes them: unsigned for bytes, weights by channel."""
    rng = np.random.default_rng(0)
    weight = (rng.normal(size=(WIDTH, 3, 3, 3)) / 100).astype(np.float32)
    step = (np.abs(weight).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    steps = np.round(weight / step[:, None, None, None]).astype(np.int8)
    return model(
        [
            helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["real"], ["turned"], perm=[0, 3, 1, 2]),
            helper.make_node("QuantizeLinear", ["turned", "seen", "seen_zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "seen", "seen_zero"], ["dq"]),
            helper.make_node("DequantizeLinear", ["steps", "step", "step_zero"], ["weight"], axis=0),
            helper.make_node("Conv", ["dq", "weight"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["positive"]),
            helper.make_node("ReduceMean", ["positive"], ["embedding"], axes=[2, 3], keepdims=0),
        ],
        {"image": (TensorProto.UINT8, ["batch", SIDE, SIDE, 3])},
        {"embedding": ["batch", WIDTH]},
        {
            "seen": np.array(1.0, dtype=np.float32),
            "seen_zero": np.array(0, dtype=np.uint8),
            "steps": steps,
            "step": step,
            "step_zero": np.zeros(WIDTH, dtype=np.int8),
        },
    )


@pytest.fixture(scope="session")
def photos() -> npt.NDArray[np.uint8]:
    """Twenty photos of noise, uint8 (20, 8, 8, 3)."""
    return np.random.default_rng(2).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)
