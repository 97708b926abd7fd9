"""The fusion that ships, cut out of its file: it fuses as the whole file does."""

from __future__ import annotations

import numpy as np
import pytest

from training import heads
from training.embeddings import load
from training.engines.reference import answers
from training.evaluation.ablations import POOL
from training.evaluation.shipped import NAME, joining
from training.fusion import graph
from training.fusion.batch import EvidenceBatch
from training.places import EMBEDDINGS, MODELS
from worker.finish.probability import softmax
from worker.record import NO_EVIDENCE, Evidence, Stream


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.6])
def test_the_cut_says_what_the_whole_file_says(temperature: float) -> None:
    """Of twenty photos with captions and clocks, at any temperature: the whole file's stage 2."""
    model = (MODELS / "fusion" / "1" / "model.onnx").read_bytes()
    rng = np.random.default_rng(0)
    said = [
        Evidence(
            streams={
                name: Stream(
                    likelihood=tuple(rng.dirichlet(np.ones(7)) * 0.9 + 0.1 / 7), quality=rng.uniform(0.2, 1)
                )
                for name in ("caption", "clock")
            },
            gps_continent=None,
            disagreement=0.0,
        )
        for _ in range(19)
    ]
    batch = EvidenceBatch.of([*said, NO_EVIDENCE])
    x = load(EMBEDDINGS).x[:20].astype(np.float32)
    whole = answers(model, {"embedding": x, "evidence": batch.vectors()})
    found = joining(model, temperature=temperature)
    fused = found.fuse(whole["stage1_logits"].astype(np.float64) / temperature, batch)
    assert found.name == NAME
    expected = softmax(whole["stage2_logits"].astype(np.float64).mean(axis=1) / temperature)
    assert softmax(fused.mean(axis=1)) == pytest.approx(expected, abs=1e-5)
    image = softmax(whole["stage1_logits"].astype(np.float64).mean(axis=1) / temperature)
    assert np.abs(expected - image)[:19].max() > 0.05
    assert expected[19] == pytest.approx(image[19], abs=1e-6)


def test_a_model_that_takes_no_evidence_is_joined_by_the_pool() -> None:
    """And the pool is named."""
    made = heads.Heads(weight=np.zeros((2, 7, 3)), bias=np.zeros((2, 7)))
    assert joining(graph.write(made)) is POOL
