"""The heads as an ONNX file: `embedding` (batch, width) → `stage1_logits` (batch, heads, labels), float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.heads import Heads

OPSET = 17
IR_VERSION = 9


def write(heads: Heads) -> bytes:
    """Return the ONNX file; the same heads give the same bytes. Logits are raw, not temperature-scaled."""
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - likewise

    count, labels, width = heads.weight.shape
    weight = heads.weight.reshape(count * labels, width).T.astype(np.float32)
    bias = heads.bias.reshape(count * labels).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["embedding", "weight", "bias"], ["flat"]),
            helper.make_node("Reshape", ["flat", "shape"], ["stage1_logits"]),
        ],
        "fusion",
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor_value_info("stage1_logits", TensorProto.FLOAT, ["batch", count, labels])],
        [
            numpy_helper.from_array(np.ascontiguousarray(weight), "weight"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.array([-1, count, labels], dtype=np.int64), "shape"),
        ],
    )
    model = helper.make_model(
        graph, producer_name="pangaea", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


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
