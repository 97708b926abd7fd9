"""Triton's `config.pbtxt` for each model of a runtime repository."""

from __future__ import annotations

from collections.abc import Mapping

from training.engines.tensors import Tensors

MAX_BATCH = 8
QUEUE = 256
"""Requests that may wait: as many as a worker may have in flight."""

LONGEST_WAIT_US = 60_000_000
"""A request's own timeout ends its waiting, if it is shorter than this; without this it would be ignored.
Behind an ensemble nothing else does: Triton 2.51 does not pass a cancellation on to the models in it."""

_HEAD = """name: "{name}"
{kind}
max_batch_size: {batch}
input [ {{ name: "{input}", data_type: {input_type}, dims: [ {input_dims} ] }} ]
output [ {{ name: "{output}", data_type: TYPE_FP32, dims: [ {output_dims} ] }} ]
"""
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
_ENSEMBLE = """ensemble_scheduling {
  step [
    { model_name: "efficientnet", model_version: -1,
      input_map { key: "image", value: "image" }, output_map { key: "embedding", value: "embedding" } },
    { model_name: "fusion", model_version: -1,
      input_map { key: "embedding", value: "embedding" },
      output_map { key: "stage1_logits", value: "stage1_logits" } }
  ]
}
"""


def engine_config(
    name: str,
    tensors: Tensors,
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
    return _head(name, kind, tensors) + batching + group + _parameters(parameters)


def ensemble_config(image: Tensors, logits: Tensors, *, parameters: Mapping[str, str]) -> str:
    """The configuration of `continent`: one request in, both models in turn, one answer out."""
    ends = Tensors(
        input=image.input,
        input_type=image.input_type,
        input_dims=image.input_dims,
        output=logits.output,
        output_dims=logits.output_dims,
    )
    return _head("continent", 'platform: "ensemble"', ends) + _ENSEMBLE + _parameters(parameters)


def _head(name: str, kind: str, tensors: Tensors) -> str:
    return _HEAD.format(
        name=name,
        kind=kind,
        batch=MAX_BATCH,
        input=tensors.input,
        input_type=tensors.input_type,
        input_dims=", ".join(map(str, tensors.input_dims)),
        output=tensors.output,
        output_dims=", ".join(map(str, tensors.output_dims)),
    )


def _parameters(parameters: Mapping[str, str]) -> str:
    return "".join(
        f'parameters {{ key: "{key}", value: {{ string_value: "{value}" }} }}\n'
        for key, value in sorted(parameters.items())
    )
