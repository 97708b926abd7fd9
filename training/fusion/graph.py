"""The heads and their fusion as an ONNX file.

`embedding` (batch, width) → `stage1_logits` (batch, heads, labels), the image alone; with a fusion model also
`evidence` (batch, 63) → `stage2_logits` (batch, heads, labels) and `gates` (batch, streams), the mean opening
of the members' gates. All float32; logits are raw, the worker divides them by the card's temperature. The
fusion was fitted on divided logits, so what evidence adds is multiplied by that temperature in the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from training.fusion.batch import BLOCK, KINDS, LABELS
from training.fusion.context import SCALE
from training.fusion.gated import LEAST_QUALITY, Gates
from training.fusion.mlp import Mlp
from training.fusion.nodes import Nodes
from training.fusion.pool import Pool
from training.heads import Heads

OPSET = 17
IR_VERSION = 9


def write(heads: Heads, fusion: Gates | Pool | Mlp | None = None, *, temperature: float = 1.0) -> bytes:
    """Return the ONNX file; the same models give the same bytes.

    Args:
        heads: the image's.
        fusion: as many members as there are heads; none: the file has stage 1 only.
        temperature: by which logits were divided when the fusion was fitted.

    Raises:
        ValueError: the fusion has another number of members.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnx import TensorProto, helper  # noqa: PLC0415 - likewise

    count, labels, width = heads.weight.shape
    nodes = Nodes()
    nodes.constant("weight", heads.weight.reshape(count * labels, width).T)
    nodes.constant("bias", heads.bias.reshape(count * labels))
    nodes.integers("shape", [-1, count, labels])
    nodes.add("Gemm", ["embedding", "weight", "bias"], "flat")
    nodes.add("Reshape", ["flat", "shape"], "stage1_logits")
    takes: list[tuple[str, list[Any]]] = [("embedding", ["batch", width])]
    gives: list[tuple[str, list[Any]]] = [("stage1_logits", ["batch", count, labels])]
    if fusion is not None:
        _fuse(nodes, fusion, count, temperature)
        takes.append(("evidence", ["batch", KINDS * BLOCK]))
        gives += [("stage2_logits", ["batch", count, labels]), ("gates", ["batch", KINDS])]
    graph = helper.make_graph(
        nodes.made,
        "fusion",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in takes],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in gives],
        nodes.constants,
    )
    model = helper.make_model(
        graph, producer_name="pangaea", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _fuse(nodes: Nodes, fusion: Gates | Pool | Mlp, heads: int, temperature: float) -> None:
    if fusion.members != heads:
        raise ValueError(f"a fusion of {fusion.members} members does not go with {heads} heads")
    _read(nodes, temperature)
    if isinstance(fusion, Gates):
        added = _gated(nodes, fusion)
    elif isinstance(fusion, Pool):
        added = _pool(nodes, fusion)
    else:
        added = _perceptron(nodes, fusion)
    nodes.add("Mul", [added, "temperature"], "evidence_logits")
    nodes.add("Add", ["stage1_logits", "evidence_logits"], "stage2_logits")


def _read(nodes: Nodes, temperature: float) -> None:
    """Make `image` (b, labels), `present` and `quality` (b, streams, 1), `support` (b, streams, labels).

    Absent streams are zeroed whatever the caller left in their places.
    """
    from onnx import TensorProto  # noqa: PLC0415 - 0.3 s, and the models extra only

    nodes.constant("temperature", np.array(temperature))
    nodes.constant("zero", np.array(0.0))
    nodes.integers("by_stream", [-1, KINDS, BLOCK])
    nodes.integers("parts", [1, 1, LABELS])
    nodes.add("ReduceMean", ["stage1_logits"], "mean_logits", axes=[1], keepdims=0)
    nodes.add("Div", ["mean_logits", "temperature"], "image")
    nodes.add("Reshape", ["evidence", "by_stream"], "blocks")
    nodes.add("Split", ["blocks", "parts"], ["flag", "raw_quality", "raw_support"], axis=2)
    nodes.add("Greater", ["flag", "zero"], "is_present")
    nodes.add("Cast", ["is_present"], "present", to=TensorProto.FLOAT)
    nodes.add("Mul", ["raw_quality", "present"], "quality")
    nodes.add("Mul", ["raw_support", "present"], "support")


def _gated(nodes: Nodes, gates: Gates) -> str:
    """What the gates let through, shape (b, members, labels); `gates` is an output."""
    _context(nodes)
    nodes.constant("hidden", gates.hidden)
    nodes.constant("stream", gates.stream)
    nodes.constant("output", gates.output[..., None])
    nodes.constant("direct", gates.direct[..., None])
    nodes.constant("gate_bias", gates.bias[..., None])
    nodes.constant("power", np.exp(gates.power)[..., None])
    nodes.constant("least_quality", np.array(LEAST_QUALITY))
    nodes.integers("members_axis", [1])
    nodes.add("Unsqueeze", ["features", "members_axis"], "seen")  # (b, 1, streams, features)
    nodes.chain(
        "seen", [("MatMul", "hidden"), ("Add", "stream"), ("Tanh", None), ("MatMul", "output")], "deep"
    )
    nodes.add("MatMul", ["seen", "direct"], "flat_score")
    nodes.add("Add", ["deep", "flat_score"], "score")
    nodes.chain("score", [("Add", "gate_bias"), ("Sigmoid", None)], "opening")  # (b, members, streams, 1)
    nodes.chain("quality", [("Max", "least_quality"), ("Log", None)], "log_quality")
    nodes.add("Unsqueeze", ["log_quality", "members_axis"], "each_log_quality")
    nodes.chain("each_log_quality", [("Mul", "power"), ("Exp", None)], "trust")
    nodes.add("Unsqueeze", ["present", "members_axis"], "each_present")
    nodes.chain("opening", [("Mul", "trust"), ("Mul", "each_present")], "open")
    nodes.add("ReduceMean", ["open"], "gates", axes=[1, 3], keepdims=0)
    nodes.integers("streams_axis", [2])
    nodes.chain("likelihood", [("Sub", "unit"), ("Unsqueeze", "members_axis")], "gain")
    nodes.chain("open", [("Mul", "gain"), ("Add", "unit"), ("Log", None)], "through")
    nodes.add("ReduceSum", ["through", "streams_axis"], "added", keepdims=0)
    return "added"


def _pool(nodes: Nodes, pool: Pool) -> str:
    """What the pools let through, shape (b, members, labels); `gates` is an output."""
    nodes.integers("last_axis", [2])
    nodes.integers("members_axis", [1])
    nodes.constant("pool_weight", pool.weight)
    nodes.chain("quality", [("Squeeze", "last_axis"), ("Unsqueeze", "members_axis")], "each_quality")
    nodes.add("Mul", ["each_quality", "pool_weight"], "open")  # (b, members, streams)
    nodes.add("ReduceMean", ["open"], "gates", axes=[1], keepdims=0)
    nodes.add("MatMul", ["open", "support"], "added")
    return "added"


def _context(nodes: Nodes) -> None:
    """`features` (b, streams, 13), as `training.fusion.context` computes them, absent streams included.

    Those are not zeroed: their gates are closed anyway.
    """
    nodes.constant("scale", np.array(SCALE))
    nodes.constant("others", np.array(KINDS - 1.0))
    nodes.constant("not_self", 1 - np.eye(KINDS))
    nodes.integers("labels_axis", [2])
    nodes.integers("row", [1])
    nodes.add("Softmax", ["image"], "p", axis=1)
    nodes.add("Unsqueeze", ["p", "row"], "each_p")
    nodes.add("Exp", ["support"], "likelihood")
    nodes.add("ReduceMax", ["support"], "peak", axes=[2], keepdims=1)
    nodes.constant("unit", np.array(1.0))
    steps = [("Sub", "unit"), ("Mul", "quality"), ("Add", "unit"), ("Log", None)]
    nodes.chain("likelihood", steps, "hedged")
    nodes.add("ReduceSum", ["hedged", "row"], "all_hedged", keepdims=1)
    nodes.add("Sub", ["all_hedged", "hedged"], "other_hedged")
    nodes.add("Softmax", ["other_hedged"], "q", axis=2)
    for which, posterior in (("image", "each_p"), ("others", "q")):
        nodes.add("Mul", [posterior, "likelihood"], f"joint_{which}")
        nodes.add("ReduceSum", [f"joint_{which}", "labels_axis"], f"fit_{which}", keepdims=1)
        nodes.chain(f"fit_{which}", [("Log", None), ("Div", "scale")], f"scaled_fit_{which}")
    nodes.add("Div", ["peak", "scale"], "scaled_peak")
    nodes.add("ReduceMax", ["each_p"], "one_confidence", axes=[2], keepdims=1)
    nodes.add("Shape", ["peak"], "shape_of_peak")
    nodes.add("Expand", ["one_confidence", "shape_of_peak"], "confidence")
    nodes.add("ReduceMax", ["q"], "others_confidence", axes=[2], keepdims=1)
    nodes.add("Transpose", ["present"], "present_row", perm=[0, 2, 1])
    nodes.add("Mul", ["present_row", "not_self"], "beside")
    nodes.add("ReduceSum", ["beside", "labels_axis"], "count", keepdims=1)
    nodes.add("Div", ["count", "others"], "crowd")
    columns = ["scaled_peak", "scaled_fit_image", "scaled_fit_others", "confidence", "others_confidence"]
    nodes.add("Concat", [*columns, "crowd", "beside"], "features", axis=2)


def _perceptron(nodes: Nodes, mlp: Mlp) -> str:
    """What the perceptrons add, shape (b, members, labels); `gates` is presence."""
    nodes.constant("entry", mlp.entry)
    nodes.constant("offset", mlp.offset[:, None])
    nodes.constant("exit", mlp.exit)
    nodes.constant("exit_bias", mlp.bias[:, None])
    nodes.integers("last_axis", [2])
    nodes.integers("members_axis", [1])
    nodes.integers("flat_evidence", [-1, KINDS * BLOCK])
    nodes.integers("input_axes", [1, 2])
    nodes.add("Squeeze", ["present", "last_axis"], "gates")
    nodes.add("ReduceMax", ["gates"], "some", axes=[1], keepdims=1)
    nodes.add("Unsqueeze", ["some", "members_axis"], "each_some")
    nodes.add("ReduceMean", ["image"], "level", axes=[1], keepdims=1)
    nodes.add("Sub", ["image", "level"], "centred")
    nodes.add("Concat", ["present", "quality", "support"], "clean_blocks", axis=2)
    nodes.add("Reshape", ["clean_blocks", "flat_evidence"], "clean")
    nodes.add("Concat", ["centred", "clean"], "row_of_inputs", axis=1)
    nodes.add("Unsqueeze", ["row_of_inputs", "input_axes"], "inputs")  # (b, 1, 1, 70)
    steps = [("MatMul", "entry"), ("Add", "offset"), ("Tanh", None), ("MatMul", "exit"), ("Add", "exit_bias")]
    nodes.chain("inputs", steps, "answers")
    nodes.add("Squeeze", ["answers", "last_axis"], "answer")
    nodes.add("Mul", ["answer", "each_some"], "added")
    return "added"


def weights(model: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Read `weight` (width, heads × labels) and `bias` (heads × labels) back from the file."""
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnx import numpy_helper  # noqa: PLC0415 - likewise

    graph = onnx.load_from_string(model).graph
    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if tensor.name in {"weight", "bias"}
    }
