"""Whether TensorRT will read an ONNX model, judged from the file: operators, types, shapes, quantisers.

Not the parser itself, which needs a GPU; but what it refuses most often is found here, on any machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from worker.errors import Refuse

OPSETS: Final = (9, 20)
"""What TensorRT 10 reads in every one of its releases: the release notes and `operators.md` of onnx-tensorrt
(https://github.com/onnx/onnx-tensorrt/blob/main/docs/operators.md)."""

# fmt: off
OPERATORS: Final = frozenset((
    "Abs", "Add", "And", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat",
    "Constant", "ConstantOfShape", "Conv", "DequantizeLinear", "Div", "Equal", "Erf", "Exp", "Expand",
    "Flatten", "Floor", "Gather", "Gemm", "GlobalAveragePool", "Greater", "HardSigmoid", "HardSwish",
    "Identity", "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max",
    "MaxPool", "Min", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "QuantizeLinear", "Reciprocal",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Slice",
    "Softmax", "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose",
    "Unsqueeze", "Where",
))
# fmt: on
"""Those supported operators that backbones and heads are made of: shorter than the page, on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a file is made of, and what speaks against it; no problems: TensorRT should read it."""

    opset: int
    operators: dict[str, int]
    quantisers: int
    problems: tuple[str, ...]


def report(model: bytes) -> Report:
    """Judge an ONNX file.

    Raises:
        Refuse: it is no ONNX model.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    try:
        loaded = onnx.load_from_string(model)
        opset = next(one.version for one in loaded.opset_import if not one.domain)
    # Whatever protobuf raises (its own error class is not onnx's to export), the file is to blame.
    except Exception as exc:
        raise Refuse("the file is no ONNX model: make it with training.export or training.train.") from exc
    operators = Counter(node.op_type for node in loaded.graph.node)
    return Report(
        opset=opset,
        operators=dict(sorted(operators.items())),
        quantisers=operators["QuantizeLinear"],
        problems=(*_operators(loaded, opset), *_bytes(loaded), *_quantisers(loaded), *_shapes(loaded)),
    )


def ensure_buildable(model: bytes, *, name: str) -> None:
    """Check a file before a GPU's time is spent on it.

    Raises:
        Refuse: with the first problem and how many there are.
    """
    problems = report(model).problems
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise Refuse(
            f"TensorRT would not read {name}: {problems[0]}{more}; see `pangaea engines graph`, or build with"
            " --target cpu."
        )


def _operators(model: Any, opset: int) -> Iterator[str]:  # noqa: ANN401 - onnx ships no types
    low, high = OPSETS
    if not low <= opset <= high:
        yield f"opset {opset} is not within {low} to {high}"
    for node in model.graph.node:
        if node.domain not in {"", "ai.onnx"}:
            yield f"the operator {node.op_type} is of the domain {node.domain}"
        elif node.op_type not in OPERATORS:
            yield f"the operator {node.op_type} is not one that TensorRT is known to have"


def _bytes(model: Any) -> Iterator[str]:  # noqa: ANN401 - likewise
    """Bytes may enter, and must be cast at once.

    https://docs.nvidia.com/deeplearning/tensorrt/api/python_api/infer/FoundationalTypes/DataType.html
    """
    from onnx import TensorProto  # noqa: PLC0415 - 0.3 s, and the models extra only

    kinds = {one.name: one.type.tensor_type.elem_type for one in model.graph.input}
    entries = {name for name, kind in kinds.items() if kind == TensorProto.UINT8}
    for node in model.graph.node:
        if node.op_type != "Cast" and entries & set(node.input):
            yield f"{node.op_type} works on bytes, which can only be cast to a float type"


def _quantisers(model: Any) -> Iterator[str]:  # noqa: ANN401 - likewise
    """Explicit quantisation is symmetric and signed: scales that are constants above 0, zero points of 0.

    https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/quantized-types-explicit-quantization.html
    """
    import numpy as np  # noqa: PLC0415 - beside onnx
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415 - 0.3 s, and the models extra only

    constants = {one.name: one for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in {"QuantizeLinear", "DequantizeLinear"}:
            continue
        scale = constants.get(node.input[1])
        if scale is None:
            yield f"{node.op_type} has a scale that is no constant"
        elif not (numpy_helper.to_array(scale) > 0).all():
            yield f"{node.op_type} has a scale that is not above 0"
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None  # noqa: PLR2004 - x, scale, zero
        if zero is None:
            yield f"{node.op_type} has no constant zero point, so it is of bytes"
        elif zero.data_type != TensorProto.INT8:
            yield f"{node.op_type} is not of signed 8-bit integers"
        elif np.any(numpy_helper.to_array(zero)):
            yield f"{node.op_type} has a zero point that is not 0"


def _shapes(model: Any) -> Iterator[str]:  # noqa: ANN401 - likewise
    """Every tensor has a type and, but for the batch, a known shape; the batch is free."""
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        yield "the shapes of its tensors contradict each other"
        return
    graph = inferred.graph
    known = {one.name: one.type.tensor_type for one in (*graph.value_info, *graph.input, *graph.output)}
    for one in (*graph.input, *graph.output):
        sides = known[one.name].shape.dim
        if not sides or sides[0].HasField("dim_value"):
            yield f"{one.name} has no free first dimension for the batch"
        elif not all(side.HasField("dim_value") for side in sides[1:]):
            yield f"{one.name} has a free dimension besides the batch"
    for node in graph.node:
        for name in filter(None, node.output):
            if name not in known or not known[name].elem_type:
                yield f"the type of what {node.op_type} gives cannot be inferred"
            elif known[name].elem_type == onnx.TensorProto.DOUBLE:
                yield f"{node.op_type} gives numbers of double precision"
