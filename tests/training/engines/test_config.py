"""What Triton is told, read back by Triton's own description of its configuration."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from tritonclient.grpc import model_config_pb2

from training.engines.config import MAX_BATCH, engine_config, ensemble_config, ensure_joined
from training.engines.tensors import Signature, Tensor, signature
from worker.errors import Refuse

# Protobuf ships no types.
text_format: Any = importlib.import_module("google.protobuf.text_format")


def parsed(text: str) -> Any:
    """The configuration as Triton reads it; anything that it does not know is an error."""
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def names(tensors: object) -> list[str]:
    """Their names, in order."""
    return [one.name for one in tensors]  # type: ignore[attr-defined]


def test_a_plan_is_warmed_up_with_every_batch_size(backbone: bytes) -> None:
    """Triton runs 1 to 8 random photos before a plan is ready; an engine for the CPU does so itself."""
    tensors = signature(backbone, name="efficientnet")
    options = {"instances": 2, "batched": True, "parameters": {"precision": "fp16"}}
    plan = parsed(engine_config("efficientnet", tensors, target="tensorrt", **options))  # type: ignore[arg-type]
    assert plan.platform == "tensorrt_plan"
    assert [one.batch_size for one in plan.model_warmup] == list(range(1, MAX_BATCH + 1))
    for one in plan.model_warmup:
        sample = one.inputs["image"]
        assert (sample.data_type, list(sample.dims)) == (model_config_pb2.TYPE_UINT8, [8, 8, 3])
        assert sample.random_data
    assert plan.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_GPU
    assert plan.instance_group[0].count == 2
    assert plan.parameters["precision"].string_value == "fp16"
    cpu = parsed(engine_config("efficientnet", tensors, target="cpu", **options))  # type: ignore[arg-type]
    assert (cpu.backend, len(cpu.model_warmup)) == ("python", 0)


def test_the_ensemble_takes_evidence_where_the_heads_do(backbone: bytes, fusion: bytes) -> None:
    """Photo and evidence in, all of the heads' answers out; the embedding stays inside."""
    text = ensemble_config(
        signature(backbone, name="efficientnet"), signature(fusion, name="fusion"), parameters={}
    )
    config = parsed(text)
    assert names(config.input) == ["image", "evidence"]
    assert names(config.output) == ["stage1_logits", "stage2_logits", "gates"]
    first, second = config.ensemble_scheduling.step
    assert dict(first.input_map) == {"image": "image"}
    assert dict(first.output_map) == {"embedding": "embedding"}
    assert dict(second.input_map) == {"embedding": "embedding", "evidence": "evidence"}
    assert set(second.output_map) == {"stage1_logits", "stage2_logits", "gates"}


def test_models_that_do_not_join_are_refused(backbone: bytes, fusion: bytes) -> None:
    """The tensor between the two must be there on both sides and have one width."""
    fits = signature(backbone, name="efficientnet")
    ensure_joined(fits, signature(fusion, name="fusion"))
    wide = Signature(
        inputs=(Tensor(name="embedding", type="TYPE_FP32", dims=(9,)),),
        outputs=(Tensor(name="stage1_logits", type="TYPE_FP32", dims=(5, 7)),),
    )
    with pytest.raises(Refuse, match="gives 6 values and the heads take 9"):
        ensure_joined(fits, wide)
    with pytest.raises(Refuse, match="a tensor named embedding"):
        ensure_joined(wide, fits)
