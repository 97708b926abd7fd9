"""What goes into an ONNX model and what comes out, read from the file."""

from __future__ import annotations

from dataclasses import dataclass

from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """One input and one output, without the batch dimension; the output is always float32."""

    input: str
    input_type: str
    input_dims: tuple[int, ...]
    output: str
    output_dims: tuple[int, ...]


def tensors(model: bytes, *, name: str) -> Tensors:
    """Read the tensors of an ONNX model with a free first dimension.

    Raises:
        Refuse: it is no ONNX model, or not of that form.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    try:
        graph = onnx.load_from_string(model).graph
        (entry,), (exit_,) = graph.input, graph.output
        kinds = {onnx.TensorProto.UINT8: "TYPE_UINT8", onnx.TensorProto.FLOAT: "TYPE_FP32"}
        return Tensors(
            input=entry.name,
            input_type=kinds[entry.type.tensor_type.elem_type],
            input_dims=tuple(int(d.dim_value) for d in entry.type.tensor_type.shape.dim[1:]),
            output=exit_.name,
            output_dims=tuple(int(d.dim_value) for d in exit_.type.tensor_type.shape.dim[1:]),
        )
    # Whatever protobuf raises (its own error class is not onnx's to export), the file is to blame.
    except Exception as exc:
        raise Refuse(
            f"the ONNX file of {name} cannot be used: make it with training.export or training.train."
        ) from exc
