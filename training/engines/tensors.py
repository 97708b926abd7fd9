"""What goes into an ONNX model and what comes out, read from the file."""

from __future__ import annotations

from dataclasses import dataclass

from worker.errors import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A named tensor; `type` in Triton's words (TYPE_UINT8, TYPE_FP32), `dims` without the batch."""

    name: str
    type: str
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """All inputs and all outputs of a model, in the file's order; the outputs are float32."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """A model's first input and first output, without the batch dimension; the output is float32."""

    input: str
    input_type: str
    input_dims: tuple[int, ...]
    output: str
    output_dims: tuple[int, ...]


def signature(model: bytes, *, name: str) -> Signature:
    """Read the tensors of an ONNX model whose first dimension is free.

    Raises:
        Refuse: it is no ONNX model, or not of that form: uint8 or float32 in, float32 out.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    kinds = {onnx.TensorProto.UINT8: "TYPE_UINT8", onnx.TensorProto.FLOAT: "TYPE_FP32"}
    try:
        graph = onnx.load_from_string(model).graph
        inputs, outputs = (
            tuple(
                Tensor(
                    name=each.name,
                    type=kinds[each.type.tensor_type.elem_type],
                    dims=tuple(int(d.dim_value) for d in each.type.tensor_type.shape.dim[1:]),
                )
                for each in side
            )
            for side in (graph.input, graph.output)
        )
    # Whatever protobuf raises (its own error class is not onnx's to export), the file is to blame.
    except Exception as exc:
        raise _unusable(name) from exc
    if not inputs or {one.type for one in outputs} != {"TYPE_FP32"}:
        raise _unusable(name)
    return Signature(inputs=inputs, outputs=outputs)


def tensors(model: bytes, *, name: str) -> Tensors:
    """The first input and output of an ONNX model.

    Raises:
        Refuse: as `signature`.
    """
    whole = signature(model, name=name)
    entry, answer = whole.inputs[0], whole.outputs[0]
    return Tensors(
        input=entry.name,
        input_type=entry.type,
        input_dims=entry.dims,
        output=answer.name,
        output_dims=answer.dims,
    )


def _unusable(name: str) -> Refuse:
    return Refuse(f"the ONNX file of {name} cannot be used: make it with training.export or training.train.")
