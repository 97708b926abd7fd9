"""Triton's `config.pbtxt` for each model of a runtime repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from training.engines.tensors import Signature, Tensor
from worker.errors import Refuse

MAX_BATCH = 8
QUEUE = 256
"""Requests that may wait: as many as a worker may have in flight."""

LONGEST_WAIT_US = 60_000_000
"""A request's own timeout ends its waiting, if it is shorter than this; without this it would be ignored.
Behind an ensemble nothing else does: Triton 2.51 does not pass a cancellation on to the models in it."""

JOINT = "embedding"
"""The tensor by which the backbone hands over to the heads."""

_HEAD = """name: "{name}"
{kind}
max_batch_size: {batch}
input [ {inputs} ]
output [ {outputs} ]
"""
_TENSOR = '{{ name: "{name}", data_type: {type}, dims: [ {dims} ] }}'
# No queue delay: the worker sends those together that wait together, and two photos are sooner done by two
# instances than by one in a batch.
_BATCHING = """dynamic_batching {{
  default_queue_policy {{
    timeout_action: REJECT
    default_timeout_microseconds: {timeout}
    allow_timeout_override: true
    max_queue_size: {queue}
  }}
}}
"""
_INSTANCES = """instance_group [ {{ kind: {kind}, count: {count} }} ]
"""
_WARMUP = '  {{ name: "batch of {size}", batch_size: {size},\n{inputs} }}'
_WARM_INPUT = (
    '    inputs {{ key: "{name}", value: {{ data_type: {type}, dims: [ {dims} ], random_data: true }} }}'
)
_ENSEMBLE = """ensemble_scheduling {{
  step [
    {{ model_name: "efficientnet", model_version: -1,
      {backbone} }},
    {{ model_name: "fusion", model_version: -1,
      {heads} }}
  ]
}}
"""


def engine_config(
    name: str,
    tensors: Signature,
    *,
    target: str,
    instances: int,
    batched: bool,
    parameters: Mapping[str, str],
) -> str:
    """The configuration of a model that runs: its instances, its parameters, and whether it has a queue.

    The queue forms batches of what waits, and drops requests whose own time-out has passed.
    """
    gpu = target == "tensorrt"
    kind = 'platform: "tensorrt_plan"' if gpu else 'backend: "python"'
    # Triton's batcher sleeps half a second at a time when all instances are taken, and only the next request
    # wakes it: behind another batcher, as the heads are, one answer in a few came 500 ms late.
    batching = _BATCHING.format(queue=QUEUE, timeout=LONGEST_WAIT_US) if batched else ""
    group = _INSTANCES.format(kind="KIND_GPU" if gpu else "KIND_CPU", count=instances)
    # The CPU's backend runs every batch size itself before it is ready; a plan has nobody to do so.
    warm = warmup(tensors.inputs) if gpu else ""
    return _head(name, kind, tensors) + batching + group + warm + _parameters(parameters)


def warmup(inputs: tuple[Tensor, ...]) -> str:
    """Requests that Triton runs before a model is ready: one of every batch size, of random values.

    https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html#model-warmup
    """
    samples = [
        _WARMUP.format(
            size=size,
            inputs="\n".join(
                _WARM_INPUT.format(name=one.name, type=one.type, dims=_sides(one)) for one in inputs
            ),
        )
        for size in range(1, MAX_BATCH + 1)
    ]
    return "model_warmup [\n" + ",\n".join(samples) + "\n]\n"


def ensemble_config(backbone: Signature, heads: Signature, *, parameters: Mapping[str, str]) -> str:
    """The configuration of `continent`: one request in, both models in turn, one answer out.

    It takes what the backbone takes and what the heads take besides the embedding, and gives what they give.
    """
    beside = tuple(one for one in heads.inputs if one.name != JOINT)
    ends = Signature(inputs=backbone.inputs + beside, outputs=heads.outputs)
    scheduling = _ENSEMBLE.format(
        backbone=_maps("input", backbone.inputs) + ", " + _maps("output", backbone.outputs),
        heads=_maps("input", heads.inputs) + ", " + _maps("output", heads.outputs),
    )
    return _head("continent", 'platform: "ensemble"', ends) + scheduling + _parameters(parameters)


def ensure_joined(backbone: Signature, heads: Signature) -> None:
    """Check that the heads take the embedding that the backbone gives.

    Raises:
        Refuse: they were made for another backbone.
    """
    given = {one.name: one for one in backbone.outputs}.get(JOINT)
    taken = {one.name: one for one in heads.inputs}.get(JOINT)
    if given is None or taken is None:
        raise Refuse(
            f"the backbone must give and the heads must take a tensor named {JOINT}: make both with"
            " training.export and training.train."
        )
    if given.dims != taken.dims:
        raise Refuse(
            f"the backbone gives {given.dims[0]} values and the heads take {taken.dims[0]}:"
            " fit heads for this backbone with `python -m training.train --backbone-onnx`."
        )


def _head(name: str, kind: str, tensors: Signature) -> str:
    return _HEAD.format(
        name=name,
        kind=kind,
        batch=MAX_BATCH,
        inputs=_listed(tensors.inputs),
        outputs=_listed(tensors.outputs),
    )


def _listed(tensors: Iterable[Tensor]) -> str:
    return ", ".join(_TENSOR.format(name=one.name, type=one.type, dims=_sides(one)) for one in tensors)


def _sides(tensor: Tensor) -> str:
    return ", ".join(map(str, tensor.dims))


def _maps(side: str, tensors: Iterable[Tensor]) -> str:
    return ", ".join(f'{side}_map {{ key: "{one.name}", value: "{one.name}" }}' for one in tensors)


def _parameters(parameters: Mapping[str, str]) -> str:
    return "".join(
        f'parameters {{ key: "{key}", value: {{ string_value: "{value}" }} }}\n'
        for key, value in sorted(parameters.items())
    )
