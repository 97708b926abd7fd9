"""Make an ONNX model plain: the same answers from fewer operators, of kinds that every builder knows.

The exporter leaves what it traced: 284 constants, 22 paddings whose sizes are computed as the model runs, a
transposition of bytes. TensorRT takes bytes as an input but can only cast them, and quantisers look for
convolutions, not for paddings in front of them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any


def plain(model: bytes) -> bytes:
    """Fold what does not depend on the input, then cast bytes before anything else is done with them.

    Folding is ONNX Runtime's "basic" level: constants, and paddings into convolutions. Its operators are
    standard ones.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    folded = onnx.load_from_string(_fold(model))
    # ONNX Runtime lists every domain that it knows, used or not; TensorRT knows one.
    standard = [one for one in folded.opset_import if not one.domain]
    del folded.opset_import[:]
    folded.opset_import.extend(standard)
    _cast_first(folded.graph)
    onnx.checker.check_model(folded, full_check=True)
    return bytes(folded.SerializeToString(deterministic=True))


def half(model: bytes) -> bytes:
    """A plain model in float16, for a strongly typed network: inputs and outputs stay as they are.

    Means over many values stay in float32, or their sums would lose the last digits.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnxruntime.transformers.float16 import (  # noqa: PLC0415 - likewise
        DEFAULT_OP_BLOCK_LIST,
        convert_float_to_float16,
    )

    kept = [*DEFAULT_OP_BLOCK_LIST, "ReduceMean", "GlobalAveragePool"]
    converted = convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True, op_block_list=kept)
    _sort(converted.graph)
    onnx.checker.check_model(converted, full_check=True)
    return bytes(converted.SerializeToString(deterministic=True))


def _fold(model: bytes) -> bytes:
    import onnxruntime  # noqa: PLC0415 - 0.2 s, and the models extra only

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def _cast_first(graph: Any) -> None:  # noqa: ANN401 - onnx ships no types
    """Swap a transposition of an input and the cast that follows it: the same values in the same places."""
    entries = {one.name for one in graph.input}
    for transpose in [one for one in graph.node if one.op_type == "Transpose" and one.input[0] in entries]:
        users = [one for one in graph.node if transpose.output[0] in one.input]
        if len(users) != 1 or users[0].op_type != "Cast":
            continue
        cast = users[0]
        between, after = transpose.output[0], cast.output[0]
        cast.input[0], cast.output[0] = transpose.input[0], between
        transpose.input[0], transpose.output[0] = between, after
        _sort(graph)
        # The type between the two has changed; shape inference finds it again.
        del graph.value_info[:]
        return


def _sort(graph: Any) -> None:  # noqa: ANN401 - likewise
    """Put every node behind those whose outputs it takes, and otherwise leave the order alone.

    ONNX asks for it, and the conversion to float16 appends its casts at the end.
    """
    # Copies: clearing the list frees the messages in it.
    waiting = [type(one).FromString(one.SerializeToString()) for one in graph.node]
    coming = {name for one in waiting for name in one.output}
    ordered = []
    while waiting:
        ready = next(one for one in waiting if not coming & set(one.input))
        waiting.remove(ready)
        coming -= set(ready.output)
        ordered.append(ready)
    del graph.node[:]
    graph.node.extend(ordered)
